-- What the experiments decided, best first, and whether each can be trusted.
WITH checks AS (
    SELECT
        experiment,
        MAX(CASE status WHEN 'fail' THEN 2 WHEN 'warn' THEN 1 ELSE 0 END) AS worst
    FROM experiment_health
    GROUP BY experiment
),

harmed AS (
    SELECT
        experiment,
        variant,
        COUNT(*) AS guardrails
    FROM experiment_results
    WHERE verdict = 'lose' AND role = 'guardrail'
    GROUP BY experiment, variant
)

SELECT
    experiment_results.verdict,
    experiment_results.experiment,
    experiment_results.metric,
    experiment_results.variant,
    experiment_results.role,
    experiment_results.adjustment,
    experiment_results.control,
    experiment_results.customers,
    experiment_results.control_customers,
    experiment_results.difference,
    experiment_results.difference_low,
    experiment_results.difference_high,
    experiment_results.relative_lift,
    experiment_results.relative_lift_low,
    experiment_results.relative_lift_high,
    experiment_results.p_value,
    experiment_results.q_value,
    experiment_results.chance_to_win,
    CASE checks.worst WHEN 2 THEN 'fail' WHEN 1 THEN 'warn' WHEN 0 THEN 'ok' ELSE 'unchecked' END AS health,
    CASE WHEN harmed.guardrails > 0 THEN harmed.guardrails ELSE 0 END AS guardrails_harmed
FROM experiment_results
LEFT JOIN checks ON checks.experiment = experiment_results.experiment
LEFT JOIN harmed
    ON harmed.experiment = experiment_results.experiment AND harmed.variant = experiment_results.variant
WHERE
    experiment_results.verdict IN ('win', 'lose')
    AND experiment_results.dimension = 'all'
    AND experiment_results.segment = 'all'
ORDER BY
    CASE verdict WHEN 'win' THEN 0 ELSE 1 END,
    chance_to_win DESC NULLS LAST,
    p_value NULLS LAST,
    experiment,
    metric,
    variant,
    adjustment
