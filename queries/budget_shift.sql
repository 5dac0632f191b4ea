-- Where spend and return part: share of spend against share of value, and which way the evidence points.
WITH spending AS (
    SELECT
        conversion,
        model,
        channel,
        campaign,
        spend,
        credit,
        value,
        roas,
        roas_low,
        roas_high
    FROM channel_roi
    WHERE "primary" AND spend > 0
),

totals AS (
    SELECT
        conversion,
        model,
        SUM(spend) AS total_spend,
        SUM(credit) AS total_credit,
        SUM(value) AS total_value
    FROM spending
    GROUP BY conversion, model
),

shares AS (
    SELECT
        spending.conversion AS conversion,
        spending.model AS model,
        spending.channel AS channel,
        spending.campaign AS campaign,
        spending.spend AS spend,
        spending.spend / totals.total_spend AS share_of_spend,
        CASE WHEN totals.total_credit > 0 THEN spending.credit / totals.total_credit END AS share_of_credit,
        CASE WHEN totals.total_value > 0 THEN spending.value / totals.total_value END AS share_of_value,
        spending.roas AS roas,
        spending.roas_low AS roas_low,
        spending.roas_high AS roas_high,
        totals.total_value / totals.total_spend AS blended_roas
    FROM spending
    INNER JOIN totals ON totals.conversion = spending.conversion AND totals.model = spending.model
)

SELECT
    conversion,
    model,
    channel,
    campaign,
    spend,
    share_of_spend,
    share_of_credit,
    share_of_value,
    share_of_value - share_of_spend AS share_gap,
    roas,
    roas_low,
    roas_high,
    blended_roas,
    CASE
        WHEN roas_low > blended_roas THEN 'raise'
        WHEN roas_high < blended_roas THEN 'lower'
        ELSE 'unclear'
    END AS suggestion
FROM shares
ORDER BY conversion, model, share_gap DESC NULLS LAST, channel, campaign NULLS FIRST
