-- The attribution part for DuckDB as one would first write it down: names stay text, times stay times.

CREATE TEMP TABLE clean AS
SELECT
    customer_id, event_id, occurred_at,
    event = 'purchase' AS is_purchase,
    channel IS NOT NULL AND event NOT IN ('purchase', 'referral') AS is_touch,
    channel,
    coalesce(value, 0) AS value,
    CASE
        WHEN event IN ('impression', 'click') THEN 'brand_awareness'
        WHEN event IN ('product_view', 'search') THEN 'product_understanding'
        WHEN event IN ('add_to_cart', 'checkout', 'purchase') THEN 'purchase_decision'
        WHEN event IN ('delivery', 'app_open') THEN 'product_experience'
        WHEN event IN ('support_contact', 'return_request') THEN 'after_sales_service'
        WHEN event IN ('referral', 'review') THEN 'loyalty'
    END AS stage
FROM read_parquet(getvariable('touchpoints'))
WHERE occurred_at >= make_timestamptz(getvariable('from_us'))
  AND occurred_at < make_timestamptz(getvariable('to_us'))
  AND customer_id NOT IN (SELECT customer_id FROM read_parquet(getvariable('suppress')));

CREATE TEMP TABLE stage_steps AS
WITH steps AS (
    SELECT
        lag(stage) OVER journey AS from_stage,
        stage AS to_stage,
        lead(stage) OVER journey AS next_stage
    FROM clean
    WHERE stage IS NOT NULL
    WINDOW journey AS (PARTITION BY customer_id ORDER BY occurred_at, event_id)
)
SELECT coalesce(from_stage, '(start)') AS from_stage, to_stage, count(*) AS steps FROM steps GROUP BY ALL
UNION ALL
SELECT to_stage, '(exit)', count(*) FROM steps WHERE next_stage IS NULL GROUP BY ALL;

CREATE TEMP TABLE conversions AS
SELECT row_number() OVER () AS conversion, customer_id, event_id, occurred_at, value
FROM clean WHERE is_purchase;

CREATE TEMP TABLE paths AS
SELECT
    c.conversion, c.value, t.channel,
    row_number() OVER path AS place,
    count(*) OVER (PARTITION BY c.conversion) AS touches,
    lag(t.channel) OVER path AS channel_before,
    pow(0.5, (epoch_us(c.occurred_at) - epoch_us(t.occurred_at)) / (7 * 86400e6)) AS weight
FROM conversions c
JOIN clean t ON t.customer_id = c.customer_id
    AND t.is_touch
    AND (t.occurred_at, t.event_id) < (c.occurred_at, c.event_id)
    AND t.occurred_at >= c.occurred_at - INTERVAL 30 DAY
WINDOW path AS (PARTITION BY c.conversion ORDER BY t.occurred_at, t.event_id);

CREATE TEMP TABLE credit AS
WITH shares AS (
    SELECT
        channel, value,
        CASE WHEN place = 1 THEN 1.0 ELSE 0 END::DOUBLE AS first_touch,
        CASE WHEN place = touches THEN 1.0 ELSE 0 END::DOUBLE AS last_touch,
        1.0::DOUBLE / touches AS linear,
        CASE
            WHEN touches = 1 THEN 1.0
            WHEN touches = 2 THEN 0.5
            WHEN place = 1 OR place = touches THEN 0.4
            ELSE 0.2::DOUBLE / (touches - 2)
        END::DOUBLE AS position,
        weight / sum(weight) OVER (PARTITION BY conversion) AS time_decay
    FROM paths
)
SELECT
    channel, count(*) AS touches,
    sum(first_touch), sum(last_touch), sum(linear), sum(position), sum(time_decay),
    100 * sum(first_touch * value), 100 * sum(last_touch * value), 100 * sum(linear * value),
    100 * sum(position * value), 100 * sum(time_decay * value)
FROM shares GROUP BY channel;

CREATE TEMP TABLE channel_sets AS
WITH sets AS (
    SELECT
        c.conversion, any_value(c.value) AS value,
        coalesce(list(DISTINCT p.channel ORDER BY p.channel) FILTER (p.channel IS NOT NULL), []) AS channels
    FROM conversions c LEFT JOIN paths p USING (conversion)
    GROUP BY c.conversion
)
SELECT channels, count(*) AS conversions, round(100 * sum(value))::BIGINT AS value_minor FROM sets GROUP BY channels;

CREATE TEMP TABLE null_paths AS
WITH last_purchase AS (
    SELECT customer_id, max((occurred_at, event_id)) AS at FROM clean WHERE is_purchase GROUP BY customer_id
), behind AS (
    SELECT t.customer_id, t.occurred_at, t.event_id, t.channel,
        max(t.occurred_at) OVER (PARTITION BY t.customer_id) AS last_at
    FROM clean t LEFT JOIN last_purchase p USING (customer_id)
    WHERE t.is_touch AND (p.at IS NULL OR (t.occurred_at, t.event_id) > p.at)
)
SELECT channel, lag(channel) OVER path AS channel_before, lead(channel) OVER path AS channel_after
FROM behind
WHERE occurred_at >= last_at - INTERVAL 30 DAY
WINDOW path AS (PARTITION BY customer_id ORDER BY occurred_at, event_id);

CREATE TEMP TABLE markov AS
WITH steps AS (
    SELECT coalesce(channel_before, '(start)') AS from_state, channel AS to_state FROM paths
    UNION ALL
    SELECT channel, '(conversion)' FROM paths WHERE place = touches
    UNION ALL
    SELECT coalesce(channel_before, '(start)'), channel FROM null_paths
    UNION ALL
    SELECT channel, '(null)' FROM null_paths WHERE channel_after IS NULL
)
SELECT from_state, to_state, count(*) AS steps FROM steps GROUP BY ALL;
