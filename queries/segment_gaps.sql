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
        difference * customers AS customers_gained,
        CASE WHEN difference > 0 THEN difference ELSE -difference END * customers AS weight,
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
ORDER BY weight DESC, target_kind, target, dimension, segment
