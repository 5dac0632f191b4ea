-- What the experiments decided, best first, by which bounds, and whether each can be trusted.
WITH checks AS (
    SELECT
        experiment,
        MAX(CASE status WHEN 'fail' THEN 2 WHEN 'warn' THEN 1 ELSE 0 END) AS worst
    FROM experiment_health
    -- Every experiment that is running has customers whose window isn't over: they are left out, and change no verdict.
    WHERE experiment_health.check <> 'immature'
    GROUP BY experiment
),

reasons AS (
    SELECT
        experiment,
        STRING_AGG(DISTINCT experiment_health.check, ', ' ORDER BY experiment_health.check) AS checks
    FROM experiment_health
    WHERE status <> 'ok' AND experiment_health.check <> 'immature'
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
    CASE experiment_results.decided_by
        WHEN 'sequential' THEN experiment_results.sequential_low
        ELSE experiment_results.difference_low
    END AS difference_low,
    CASE experiment_results.decided_by
        WHEN 'sequential' THEN experiment_results.sequential_high
        ELSE experiment_results.difference_high
    END AS difference_high,
    experiment_results.decided_by,
    experiment_results.relative_lift,
    experiment_results.q_value,
    experiment_results.chance_to_win,
    CASE checks.worst WHEN 2 THEN 'fail' WHEN 1 THEN 'warn' WHEN 0 THEN 'ok' ELSE 'unchecked' END AS health,
    reasons.checks AS health_reasons,
    CASE WHEN harmed.guardrails > 0 THEN harmed.guardrails ELSE 0 END AS guardrails_harmed
FROM experiment_results
LEFT JOIN checks ON checks.experiment = experiment_results.experiment
LEFT JOIN reasons ON reasons.experiment = experiment_results.experiment
LEFT JOIN harmed
    ON harmed.experiment = experiment_results.experiment AND harmed.variant = experiment_results.variant
WHERE
    experiment_results.verdict IN ('win', 'lose')
    AND experiment_results.dimension = 'all'
    AND experiment_results.segment = 'all'
ORDER BY
    CASE verdict WHEN 'win' THEN 0 ELSE 1 END,
    chance_to_win DESC NULLS LAST,
    q_value NULLS LAST,
    experiment,
    metric,
    variant,
    adjustment
