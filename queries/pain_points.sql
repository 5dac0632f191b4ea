-- Where customers are lost: segments that reach a stage significantly less often than the rest,
-- and the step of the funnel that the fewest complete.
WITH slow_segments AS (
    SELECT
        'segment' AS kind,
        target AS stage,
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
        target_kind = 'stage' AND q_value < 0.05 AND difference_high < 0
        -- What is known only afterwards explains nothing: cart abandoners have carts.
        AND (note IS NULL OR note NOT LIKE '%descriptive%')
),

steps AS (
    SELECT MIN(progress_rate) AS lowest_rate
    FROM stage_funnel
),

slow_steps AS (
    SELECT
        'funnel_step' AS kind,
        stage_funnel.stage AS stage,
        'all' AS dimension,
        'all' AS segment,
        stage_funnel.progressed + stage_funnel.dropped AS customers,
        stage_funnel.progress_rate AS rate,
        stage_funnel.progress_rate_low AS rate_low,
        stage_funnel.progress_rate_high AS rate_high,
        CAST(NULL AS DOUBLE) AS rest_rate,
        CAST(NULL AS DOUBLE) AS difference,
        CAST(NULL AS DOUBLE) AS difference_low,
        CAST(NULL AS DOUBLE) AS difference_high,
        CAST(NULL AS DOUBLE) AS q_value,
        CAST(stage_funnel.dropped AS DOUBLE) AS customers_missing
    FROM stage_funnel
    INNER JOIN steps ON steps.lowest_rate = stage_funnel.progress_rate
),

pain_points AS (
    SELECT * FROM slow_steps
    UNION ALL
    SELECT * FROM slow_segments
)

SELECT *
FROM pain_points
ORDER BY kind, customers_missing DESC, stage, dimension, segment
