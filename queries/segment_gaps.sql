-- Which segments reach a stage or conversion more or less often than everybody else, beyond chance,
-- and how many customers that makes. Segments of different dimensions overlap.
WITH gaps AS (
    SELECT
        target_kind,
        target,
        dimension,
        segment,
        customers,
        rate,
        rest_rate,
        difference,
        difference_low,
        difference_high,
        q_value,
        -- From whole customers, not from shares: nothing is rounded where the rest is a round share.
        converted - rest_rate * customers AS customers_gained,
        note
    FROM segment_conversion
    WHERE q_value < 0.05 AND (difference_low > 0 OR difference_high < 0)
)

SELECT
    target_kind,
    target,
    dimension,
    segment,
    customers,
    rate,
    rest_rate,
    difference,
    difference_low,
    difference_high,
    q_value,
    customers_gained,
    note
FROM gaps
ORDER BY CASE WHEN customers_gained > 0 THEN customers_gained ELSE -customers_gained END DESC, target_kind, target, dimension, segment
