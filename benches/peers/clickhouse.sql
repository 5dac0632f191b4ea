-- The attribution part for ClickHouse: an array per customer, sorted once, and functions over arrays from there on.
-- $touchpoints, $suppress, $from_us and $to_us are filled in.

CREATE TABLE journeys ENGINE = Memory AS
SELECT arraySort(row -> (row.1, row.2), groupArray((instant, event_id, touched, bought_minor, stage))) AS journey
FROM (
    SELECT
        cityHash64(customer_id) AS customer,
        toUnixTimestamp64Micro(occurred_at) AS instant,
        event_id,
        if(event IN ('purchase', 'referral'), '', ifNull(channel, '')) AS touched,
        if(event = 'purchase', toInt64(round(ifNull(value, 0) * 100)), -1) AS bought_minor,
        multiIf(
            event IN ('impression', 'click'), 1,
            event IN ('product_view', 'search'), 2,
            event IN ('add_to_cart', 'checkout', 'purchase'), 3,
            event IN ('delivery', 'app_open'), 4,
            event IN ('support_contact', 'return_request'), 5,
            event IN ('referral', 'review'), 6,
            0
        ) AS stage
    FROM file(
        '$touchpoints', Parquet,
        'event_id Int64, customer_id String, occurred_at DateTime64(6, ''UTC''), event LowCardinality(String),
         channel LowCardinality(Nullable(String)), value Nullable(Float64)'
    )
    WHERE instant >= $from_us AND instant < $to_us
      AND customer_id NOT IN (SELECT customer_id FROM file('$suppress', Parquet, 'customer_id String'))
)
GROUP BY customer;

CREATE TABLE stage_steps ENGINE = Memory AS
WITH ['(start)', 'brand_awareness', 'product_understanding', 'purchase_decision', 'product_experience',
      'after_sales_service', 'loyalty', '(exit)'] AS names
SELECT names[step.1 + 1] AS from_stage, names[step.2 + 1] AS to_stage, count() AS steps
FROM (
    SELECT
        arrayFilter(stage -> stage > 0, arrayMap(row -> row.5, journey)) AS stages,
        arrayJoin(arrayZip(arrayPushFront(stages, 0), arrayPushBack(stages, 7))) AS step
    FROM journeys WHERE length(stages) > 0
)
GROUP BY step;

-- A row per conversion and per null path; bought_minor is -1 for the latter.
CREATE TABLE paths ENGINE = Memory AS
WITH
    arrayFilter(row -> row.3 != '', journey) AS touches,
    arrayCumSum(row -> row.3 != '', journey) AS touches_so_far,
    arrayFilter((row, so_far) -> row.4 >= 0, arrayMap((row, so_far) -> (row.1, so_far, row.3, row.4), journey, touches_so_far), touches_so_far) AS purchases,
    if(empty(purchases), 0, purchases[-1].2) AS bought_after,
    (touches[-1].1, length(touches), '', toInt64(-1)) AS open_end,
    arrayJoin(if(length(touches) > bought_after, arrayPushBack(purchases, open_end), purchases)) AS end,
    arraySlice(touches, if(end.4 < 0, bought_after, 0) + 1, end.2 - if(end.4 < 0, bought_after, 0)) AS reach
SELECT
    end.1 AS ended_at, end.4 AS bought_minor,
    arrayMap(row -> (row.1, row.3), arrayFilter(row -> row.1 >= end.1 - 2592000000000, reach)) AS path
FROM journeys;

CREATE TABLE credit ENGINE = Memory AS
SELECT
    share.1 AS channel, count() AS touches,
    sum(share.2) AS first_touch, sum(share.3) AS last_touch, sum(share.4) AS linear, sum(share.5) AS position, sum(share.6) AS time_decay,
    sum(share.2 * bought_minor), sum(share.3 * bought_minor), sum(share.4 * bought_minor),
    sum(share.5 * bought_minor), sum(share.6 * bought_minor)
FROM (
    SELECT
        bought_minor,
        length(path) AS n,
        arrayMap(touch -> exp2((touch.1 - ended_at) / 604800e6), path) AS weights,
        arraySum(weights) AS weight,
        arrayMap(
            (touch, place, own) -> (
                touch.2, toFloat64(place = 1), toFloat64(place = n), 1 / n,
                multiIf(n = 1, 1, n = 2, 0.5, place = 1 OR place = n, 0.4, 0.2 / (n - 2)),
                own / weight
            ),
            path, arrayEnumerate(path), weights
        ) AS shares
    FROM paths WHERE bought_minor >= 0
)
ARRAY JOIN shares AS share
GROUP BY channel;

CREATE TABLE channel_sets ENGINE = Memory AS
SELECT arraySort(arrayDistinct(arrayMap(touch -> touch.2, path))) AS channels, count() AS conversions, sum(bought_minor) AS value_minor
FROM paths WHERE bought_minor >= 0
GROUP BY channels;

CREATE TABLE markov ENGINE = Memory AS
SELECT step.1 AS from_state, step.2 AS to_state, count() AS steps
FROM (
    SELECT
        arrayMap(touch -> touch.2, path) AS channels,
        arrayJoin(arrayZip(
            arrayPushFront(channels, '(start)'),
            arrayPushBack(channels, if(bought_minor >= 0, '(conversion)', '(null)'))
        )) AS step
    FROM paths WHERE notEmpty(path)
)
GROUP BY step;
