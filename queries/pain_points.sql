-- Where customers are lost: steps of the funnel that are surely completed less often than the others,
-- and segments that reach a stage significantly less often than the rest.
WITH slow_segments AS (
    SELECT
        'segment' AS kind,
        CAST(NULL AS VARCHAR) AS from_stage,
        target AS to_stage,
        dimension,
        segment,
        customers,
        rate,
        rate_low,
        rate_high,
        rest_rate,
        difference,
        difference_low,
        difference_high,
        q_value,
        rest_rate * customers - converted AS customers_missing
    FROM segment_conversion
    WHERE
        target_kind = 'stage' AND customers >= 30 AND q_value < 0.05 AND difference_high < 0
        -- What is known only afterwards explains nothing: cart abandoners have carts.
        AND (note IS NULL OR note NOT LIKE '%descriptive%')
),

steps AS (
    SELECT
        'funnel' AS funnel,
        stage_index,
        stage AS from_stage,
        progressed,
        progressed + dropped AS customers,
        progress_rate AS rate,
        progress_rate_low AS rate_low,
        progress_rate_high AS rate_high
    FROM stage_funnel
    WHERE progress_rate IS NOT NULL
),

next_stages AS (
    SELECT
        stage_index - 1 AS stage_index,
        stage AS to_stage
    FROM stage_funnel
),

totals AS (
    SELECT
        funnel,
        CAST(SUM(progressed) AS DOUBLE) AS progressed,
        CAST(SUM(customers) AS DOUBLE) AS customers
    FROM steps
    GROUP BY funnel
),

compared_steps AS (
    SELECT
        'funnel_step' AS kind,
        steps.from_stage AS from_stage,
        next_stages.to_stage AS to_stage,
        'all' AS dimension,
        'all' AS segment,
        steps.customers AS customers,
        steps.rate AS rate,
        steps.rate_low AS rate_low,
        steps.rate_high AS rate_high,
        -- All other steps together.
        CASE
            WHEN totals.customers > steps.customers
                THEN (totals.progressed - steps.progressed) / (totals.customers - steps.customers)
        END AS rest_rate
    FROM steps
    INNER JOIN next_stages ON next_stages.stage_index = steps.stage_index
    INNER JOIN totals ON totals.funnel = steps.funnel
),

slow_steps AS (
    SELECT
        kind,
        from_stage,
        to_stage,
        dimension,
        segment,
        customers,
        rate,
        rate_low,
        rate_high,
        rest_rate,
        rate - rest_rate AS difference,
        CAST(NULL AS DOUBLE) AS difference_low,
        CAST(NULL AS DOUBLE) AS difference_high,
        CAST(NULL AS DOUBLE) AS q_value,
        (rest_rate - rate) * customers AS customers_missing
    FROM compared_steps
    WHERE customers >= 30 AND rate_high < rest_rate
),

pain_points AS (
    SELECT * FROM slow_steps
    UNION ALL
    SELECT * FROM slow_segments
)

SELECT *
FROM pain_points
ORDER BY kind, customers_missing DESC, to_stage, dimension, segment
