-- Which channel carries which stage: linear credit, channel by stage.
WITH cells AS (
    SELECT
        target AS stage,
        channel,
        touches,
        journeys,
        credit,
        credit_low,
        credit_high,
        credit_share AS share_of_stage
    FROM stage_attribution
    WHERE target_kind = 'stage' AND model = 'linear' AND level = 'channel'
),

channels AS (
    SELECT channel, SUM(credit) AS channel_credit
    FROM cells
    GROUP BY channel
)

SELECT
    stage_funnel.stage_index,
    cells.stage,
    cells.channel,
    cells.touches,
    cells.journeys,
    cells.credit,
    cells.credit_low,
    cells.credit_high,
    cells.share_of_stage,
    CASE
        WHEN channels.channel_credit > 0 THEN cells.credit / channels.channel_credit
    END AS share_of_channel
FROM cells
INNER JOIN stage_funnel ON stage_funnel.stage = cells.stage
INNER JOIN channels ON channels.channel = cells.channel
ORDER BY stage_index, share_of_stage DESC NULLS LAST, channel
