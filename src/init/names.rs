//! What columns are called in exports, by what they mean here.
//!
//! The names are those of common trackers, shops and advertising platforms (Google Analytics, Snowplow, Segment, Mixpanel,
//! Amplitude, Adobe, Meta) and of everyday tables, in the order in which they are believed.

use super::survey::{Column, Kind};

/// A logical column, the names that it goes by, and the types that it may have.
#[derive(Debug)]
pub(super) struct Wish {
    /// As the configuration calls it.
    pub(super) logical: &'static str,
    /// As exports call it, normalised, the likeliest first.
    pub(super) names: &'static [&'static str],
    /// Types that a run can use.
    pub(super) kinds: &'static [Kind],
}

const IDS: &[Kind] = &[Kind::Text, Kind::Integer];
const TEXTS: &[Kind] = &[Kind::Text];
const TIMES: &[Kind] = &[Kind::Instant, Kind::LocalTime, Kind::Date];
const NUMBERS: &[Kind] = &[Kind::Number, Kind::Integer];

pub(super) const CUSTOMER_ID: Wish = Wish {
    logical: "customer_id",
    names: &[
        "customer_id",
        "user_id",
        "client_id",
        "visitor_id",
        "customerid",
        "userid",
        "clientid",
        "visitorid",
        "uid",
        "user_pseudo_id",
        "full_visitor_id",
        "fullvisitorid",
        "domain_userid",
        "distinct_id",
        "amplitude_id",
        "person_id",
        "profile_id",
        "member_id",
        "contact_id",
        "subscriber_id",
        "account_id",
        "anonymous_id",
        "cookie_id",
        "device_id",
        "mcvisid",
        "customer",
        "user",
        "client",
        "visitor",
        "member",
        "contact",
    ],
    kinds: IDS,
};

pub(super) const OCCURRED_AT: Wish = Wish {
    logical: "occurred_at",
    names: &[
        "occurred_at",
        "event_time",
        "timestamp",
        "ts",
        "event_timestamp",
        "event_ts",
        "event_datetime",
        "datetime",
        "date_time",
        "time",
        "event_at",
        "happened_at",
        "derived_tstamp",
        "collector_tstamp",
        "original_timestamp",
        "sent_at",
        "server_time",
        "hit_time",
        "visit_time",
        "visit_start_time",
        "session_start_time",
        "logged_at",
        "received_at",
        "created_at",
        "order_date",
        "purchase_date",
        "event_date",
        "date",
        "day",
    ],
    kinds: TIMES,
};

pub(super) const EVENT: Wish = Wish {
    logical: "event",
    names: &[
        "event",
        "event_name",
        "event_type",
        "action",
        "eventname",
        "eventtype",
        "event_action",
        "action_name",
        "action_type",
        "activity",
        "activity_type",
        "interaction",
        "interaction_type",
        "touchpoint",
        "touchpoint_type",
        "touch_type",
        "hit_type",
    ],
    kinds: TEXTS,
};

const CHANNEL: Wish = Wish {
    logical: "channel",
    names: &[
        "channel",
        "marketing_channel",
        "channel_name",
        "channel_group",
        "channel_grouping",
        "default_channel_group",
        "default_channel_grouping",
        "session_default_channel_group",
        "acquisition_channel",
        "traffic_channel",
        "media_channel",
        "mkt_channel",
        "utm_channel",
        "touch_channel",
    ],
    kinds: TEXTS,
};

const SOURCE: Wish = Wish {
    logical: "source",
    names: &[
        "source",
        "utm_source",
        "traffic_source",
        "session_source",
        "mkt_source",
        "traffic_source_source",
    ],
    kinds: TEXTS,
};

const MEDIUM: Wish = Wish {
    logical: "medium",
    names: &[
        "medium",
        "utm_medium",
        "traffic_medium",
        "session_medium",
        "mkt_medium",
        "traffic_source_medium",
    ],
    kinds: TEXTS,
};

const CAMPAIGN: Wish = Wish {
    logical: "campaign",
    names: &["campaign", "campaign_name", "utm_campaign", "session_campaign", "mkt_campaign", "campaign_id"],
    kinds: IDS,
};

const CURRENCY: Wish = Wish {
    logical: "currency",
    names: &["currency", "currency_code", "event_currency", "order_currency"],
    kinds: TEXTS,
};

/// What touchpoints have besides the three columns that they need.
pub(super) const TOUCHPOINT_EXTRAS: [Wish; 10] = [
    Wish {
        logical: "event_id",
        names: &["event_id", "eventid", "event_uuid", "hit_id", "message_id", "insert_id"],
        kinds: IDS,
    },
    CHANNEL,
    CAMPAIGN,
    SOURCE,
    MEDIUM,
    Wish {
        logical: "value",
        names: &[
            "value",
            "revenue",
            "amount",
            "order_value",
            "order_total",
            "purchase_value",
            "purchase_revenue",
            "conversion_value",
            "event_value",
            "total_price",
            "total_revenue",
            "net_revenue",
            "total",
            "sales",
            "price",
            // In rows of customers: what they spent.
            "spend",
            "spent",
        ],
        kinds: NUMBERS,
    },
    CURRENCY,
    Wish {
        logical: "order_id",
        names: &["order_id", "orderid", "transaction_id", "order_number", "invoice_id", "purchase_id"],
        kinds: IDS,
    },
    Wish { logical: "sentiment", names: &["sentiment", "sentiment_score"], kinds: NUMBERS },
    Wish { logical: "score", names: &["score", "nps", "nps_score", "rating", "csat"], kinds: NUMBERS },
];

pub(super) const SPEND_DATE: Wish = Wish {
    logical: "date",
    names: &["date", "day", "spend_date", "cost_date", "report_date", "date_start", "segments_date", "dt"],
    kinds: TIMES,
};

pub(super) const COST: Wish = Wish {
    logical: "cost",
    names: &[
        "cost",
        "spend",
        "spent",
        "amount_spent",
        "ad_spend",
        "ad_cost",
        "media_cost",
        "media_spend",
        "marketing_spend",
        "total_cost",
        "costs",
        "amount",
    ],
    kinds: NUMBERS,
};

pub(super) const SPEND_CHANNEL: Wish = Wish {
    names: &[
        "channel",
        "marketing_channel",
        "channel_name",
        "channel_group",
        "channel_grouping",
        "default_channel_group",
        "media_channel",
        "platform",
        "network",
    ],
    ..CHANNEL
};

/// What spend has besides the columns that it needs.
pub(super) const SPEND_EXTRAS: [Wish; 6] = [
    CAMPAIGN,
    SOURCE,
    MEDIUM,
    CURRENCY,
    Wish { logical: "impressions", names: &["impressions", "views", "impression_count"], kinds: NUMBERS },
    Wish { logical: "clicks", names: &["clicks", "link_clicks", "click_count"], kinds: NUMBERS },
];

pub(super) const EXPERIMENT: Wish = Wish {
    logical: "experiment",
    names: &["experiment", "experiment_name", "experiment_id", "test", "test_name", "test_id", "ab_test"],
    kinds: IDS,
};

pub(super) const VARIANT: Wish = Wish {
    logical: "variant",
    names: &[
        "variant",
        "variant_name",
        "variant_id",
        "variation",
        "variation_id",
        "arm",
        "test_group",
        "treatment",
    ],
    kinds: IDS,
};

pub(super) const ASSIGNED_AT: Wish = Wish {
    logical: "assigned_at",
    names: &[
        "assigned_at",
        "exposed_at",
        "assignment_time",
        "exposure_time",
        "first_exposure",
        "assigned_on",
        "timestamp",
        "ts",
        "event_time",
        "time",
        "created_at",
        "date",
    ],
    kinds: TIMES,
};

pub(super) const RATE_DATE: Wish =
    Wish { logical: "date", names: &["date", "day", "rate_date", "valid_on"], kinds: TIMES };

pub(super) const RATE_CURRENCY: Wish =
    Wish { names: &["currency", "currency_code", "from_currency", "quote_currency"], ..CURRENCY };

pub(super) const RATE: Wish =
    Wish { logical: "rate", names: &["rate", "fx_rate", "exchange_rate"], kinds: NUMBERS };

pub(super) const VALID_FROM: Wish = Wish {
    logical: "valid_from",
    names: &["valid_from", "valid_since", "effective_from", "effective_date"],
    kinds: TIMES,
};

impl Wish {
    /// The column that is meant: of a name that is known and a type that can be used.
    pub(super) fn find(&self, columns: &[Column]) -> Option<usize> {
        self.names.iter().find_map(|name| {
            columns
                .iter()
                .position(|column| self.kinds.contains(&column.kind) && normal(&column.name) == *name)
        })
    }

    /// A column that has the name but a type that a run can't use.
    pub(super) fn find_of_other_type<'c>(&self, columns: &'c [Column]) -> Option<&'c Column> {
        let named = |column: &&Column| self.names.contains(&normal(&column.name).as_str());
        columns.iter().filter(named).find(|column| !self.kinds.contains(&column.kind))
    }

    /// The first few names, for a message.
    pub(super) fn examples(&self) -> String {
        self.names.iter().skip(1).take(3).copied().collect::<Vec<_>>().join(", ")
    }
}

/// A name in small letters with `_` between its words: `eventTime`, `Event time` and `EVENT_TIME` are `event_time`.
pub(super) fn normal(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for letter in name.chars() {
        let begins_word = letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit());
        if (begins_word || !letter.is_alphanumeric()) && !words.is_empty() && !words.ends_with('_') {
            words.push('_');
        }
        if letter.is_alphanumeric() {
            words.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_their_case() {
        for (name, expected) in [
            ("eventTime", "event_time"),
            ("Event Time", "event_time"),
            ("EVENT_TIME", "event_time"),
            ("Amount Spent (EUR)", "amount_spent_eur"),
            ("_ts_", "ts"),
            ("userID", "user_id"),
            ("", ""),
        ] {
            assert_eq!(normal(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_counts_only_with_a_type_that_fits() {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = [column("timestamp", Kind::Integer), column("Date", Kind::Date)];
        assert_eq!(OCCURRED_AT.find(&columns), Some(1));
        assert_eq!(OCCURRED_AT.find(&columns[..1]), None);
        assert_eq!(OCCURRED_AT.find_of_other_type(&columns).map(|column| &*column.name), Some("timestamp"));
    }

    #[test]
    fn every_name_is_written_as_names_are_read() {
        let single = [CUSTOMER_ID, OCCURRED_AT, EVENT, SPEND_DATE, COST, SPEND_CHANNEL, EXPERIMENT, VARIANT];
        let more = [ASSIGNED_AT, RATE_DATE, RATE_CURRENCY, RATE, VALID_FROM];
        for wish in single.iter().chain(&more).chain(&TOUCHPOINT_EXTRAS).chain(&SPEND_EXTRAS) {
            for name in wish.names {
                assert_eq!(normal(name), *name, "{}", wish.logical);
            }
        }
    }
}
