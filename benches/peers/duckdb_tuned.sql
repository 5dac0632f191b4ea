-- The attribution part for DuckDB, tuned: ids become hashes and names enums while the files are read, the
-- rows are sorted once, and every later step works on small integers of that sort.

SET preserve_insertion_order = false;

CREATE TYPE channel AS ENUM (
    SELECT DISTINCT channel
    FROM read_parquet(getvariable('touchpoints'))
    WHERE channel IS NOT NULL
    ORDER BY channel
);

CREATE TYPE stage AS ENUM (
    'brand_awareness', 'product_understanding', 'purchase_decision',
    'product_experience', 'after_sales_service', 'loyalty'
);

CREATE TEMP TABLE clean AS
SELECT
    hash(customer_id) AS customer,
    event_id,
    epoch_us(occurred_at) AS instant,
    CASE WHEN event NOT IN ('purchase', 'referral') THEN channel::channel END AS channel,
    CASE event
        WHEN 'impression' THEN 'brand_awareness'
        WHEN 'click' THEN 'brand_awareness'
        WHEN 'product_view' THEN 'product_understanding'
        WHEN 'search' THEN 'product_understanding'
        WHEN 'add_to_cart' THEN 'purchase_decision'
        WHEN 'checkout' THEN 'purchase_decision'
        WHEN 'purchase' THEN 'purchase_decision'
        WHEN 'delivery' THEN 'product_experience'
        WHEN 'app_open' THEN 'product_experience'
        WHEN 'support_contact' THEN 'after_sales_service'
        WHEN 'return_request' THEN 'after_sales_service'
        WHEN 'referral' THEN 'loyalty'
        WHEN 'review' THEN 'loyalty'
    END::stage AS stage,
    CASE WHEN event = 'purchase' THEN coalesce(round(value * 100), 0)::INTEGER END AS bought_minor
FROM read_parquet(getvariable('touchpoints'))
WHERE epoch_us(occurred_at) >= getvariable('from_us')
  AND epoch_us(occurred_at) < getvariable('to_us')
  AND customer_id NOT IN (SELECT customer_id FROM read_parquet(getvariable('suppress')));

-- The one sort. `touch` numbers the touches of a customer; a row that is none has the number of the last.
CREATE TEMP TABLE walked AS
SELECT
    customer, instant, channel, bought_minor,
    count(channel) OVER journey AS touch,
    count(bought_minor) OVER journey AS purchases,
    stage,
    lag(stage) OVER journey AS stage_before,
    lead(stage) OVER journey IS NULL AS is_last
FROM clean
WINDOW journey AS (PARTITION BY customer ORDER BY instant, event_id ROWS UNBOUNDED PRECEDING);
DROP TABLE clean;

CREATE TEMP TABLE stage_steps AS
SELECT coalesce(stage_before::VARCHAR, '(start)') AS from_stage, stage::VARCHAR AS to_stage, count(*) AS steps
FROM walked GROUP BY ALL
UNION ALL
SELECT stage::VARCHAR, '(exit)', count(*) FROM walked WHERE is_last GROUP BY ALL;

-- A path is a range of touch numbers, up to that of the conversion's row.
CREATE TEMP TABLE paths AS
WITH conversions AS (
    SELECT row_number() OVER () AS conversion, customer, instant, touch AS last, bought_minor
    FROM walked WHERE bought_minor IS NOT NULL
)
SELECT
    conversion, conversions.bought_minor, channel, touch, last,
    min(touch) OVER path AS first,
    lag(channel) OVER path AS channel_before,
    pow(2, (walked.instant - conversions.instant) / 604800e6) AS weight
FROM conversions
JOIN walked USING (customer)
WHERE channel IS NOT NULL AND touch <= last
  AND walked.instant >= conversions.instant - 2592000000000
WINDOW path AS (PARTITION BY conversion ORDER BY touch);

CREATE TEMP TABLE credit AS
WITH shares AS (
    SELECT
        channel, bought_minor,
        (touch = first)::INTEGER AS first_touch,
        (touch = last)::INTEGER AS last_touch,
        1.0::DOUBLE / (last - first + 1) AS linear,
        CASE
            WHEN first = last THEN 1.0
            WHEN last = first + 1 THEN 0.5
            WHEN touch = first OR touch = last THEN 0.4
            ELSE 0.2::DOUBLE / (last - first - 1)
        END::DOUBLE AS position,
        weight / sum(weight) OVER (PARTITION BY conversion) AS time_decay
    FROM paths
)
SELECT
    channel::VARCHAR AS channel, count(*) AS touches,
    sum(first_touch)::DOUBLE, sum(last_touch)::DOUBLE, sum(linear), sum(position), sum(time_decay),
    sum(first_touch * bought_minor)::DOUBLE, sum(last_touch * bought_minor)::DOUBLE, sum(linear * bought_minor),
    sum(position * bought_minor), sum(time_decay * bought_minor)
FROM shares GROUP BY channel;

CREATE TEMP TABLE channel_sets AS
WITH masks AS (
    SELECT bit_or(1::UINTEGER << enum_code(channel)) AS mask, any_value(bought_minor) AS bought_minor
    FROM paths GROUP BY conversion
), sets AS (
    SELECT mask, count(*) AS conversions, sum(bought_minor)::BIGINT AS value_minor FROM masks GROUP BY mask
)
SELECT
    list_filter(enum_range(NULL::channel), lambda name: mask >> enum_code(name::channel) & 1 = 1) AS channels,
    conversions, value_minor
FROM sets
UNION ALL
SELECT
    [], count(bought_minor) - (SELECT sum(conversions) FROM sets),
    (sum(bought_minor) - (SELECT sum(value_minor) FROM sets))::BIGINT
FROM walked;

-- What nobody bought after: the touches behind a customer's last purchase, cut to the lookback before the last of them.
CREATE TEMP TABLE null_paths AS
WITH ends AS (
    SELECT customer, max(purchases) AS purchases, max(instant) FILTER (channel IS NOT NULL) AS instant
    FROM walked GROUP BY customer
)
SELECT customer, channel, touch,
    lag(channel) OVER path AS channel_before, lead(channel) OVER path IS NULL AS is_last
FROM walked
JOIN ends USING (customer)
WHERE channel IS NOT NULL AND walked.purchases = ends.purchases
  AND walked.instant >= ends.instant - 2592000000000
WINDOW path AS (PARTITION BY customer ORDER BY touch);

CREATE TEMP TABLE markov AS
WITH steps AS (
    SELECT channel_before, channel FROM paths UNION ALL SELECT channel_before, channel FROM null_paths
)
SELECT coalesce(channel_before::VARCHAR, '(start)') AS from_state, channel::VARCHAR AS to_state, count(*) AS steps
FROM steps GROUP BY ALL
UNION ALL
SELECT channel::VARCHAR, '(conversion)', count(*) FROM paths WHERE touch = last GROUP BY ALL
UNION ALL
SELECT channel::VARCHAR, '(null)', count(*) FROM null_paths WHERE is_last GROUP BY ALL;
