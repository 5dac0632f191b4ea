"""The attribution part as Polars expressions on the streaming engine."""

import os
import sys

import answer

asked = answer.question()
os.environ["POLARS_MAX_THREADS"] = str(asked.threads)

import polars as pl  # noqa: E402  (reads the variable as it is imported)

LOOKBACK_US = 30 * 86_400_000_000
HALF_LIFE_US = 7 * 86_400_000_000
MODELS = ["first_touch", "last_touch", "linear", "position", "time_decay"]


def collect(frame):
    return frame.collect(engine="streaming")


stage_of = {event: stage for stage, events in answer.STAGES.items() for event in events}
suppressed = pl.scan_parquet(asked.suppress).select("customer_id")
clean = collect(
    pl.scan_parquet(asked.touchpoints, hive_partitioning=False)
    .select("customer_id", "event_id", "occurred_at", "event", "channel", "value")
    .with_columns(instant=pl.col("occurred_at").dt.epoch("us"))
    .filter((pl.col("instant") >= asked.from_us) & (pl.col("instant") < asked.to_us))
    .join(suppressed, on="customer_id", how="anti")
    .select(
        customer=pl.col("customer_id").hash(),
        event_id="event_id",
        instant="instant",
        touched=pl.when(~pl.col("event").is_in(["purchase", "referral"]))
        .then("channel")
        .cast(pl.Categorical),
        bought_minor=pl.when(pl.col("event") == "purchase").then(
            (pl.col("value").fill_null(0) * 100).round().cast(pl.Int64)
        ),
        stage=pl.col("event").replace_strict(stage_of, default=None).cast(pl.Categorical),
    )
    .sort("customer", "instant", "event_id")
    .with_columns(
        touch=pl.col("touched").is_not_null().cum_sum().over("customer"),
        purchases=pl.col("bought_minor").is_not_null().cum_sum().over("customer"),
    )
)

stages = clean.lazy().filter(pl.col("stage").is_not_null()).select("customer", "stage")
stages = stages.with_columns(
    before=pl.col("stage").shift(1).over("customer"), after=pl.col("stage").shift(-1).over("customer")
)
steps = collect(stages.group_by("before", "stage").agg(pl.len()))
exits = collect(stages.filter(pl.col("after").is_null()).group_by("stage").agg(pl.len()))
stage_steps = [(before or "(start)", stage, n) for before, stage, n in steps.iter_rows()]
stage_steps += [(stage, "(exit)", n) for stage, n in exits.iter_rows()]

touches = clean.lazy().filter(pl.col("touched").is_not_null())
conversions = (
    clean.lazy()
    .filter(pl.col("bought_minor").is_not_null())
    .select("customer", "bought_minor", converted="instant", last="touch")
    .with_row_index("conversion")
)
paths = collect(
    touches.select("customer", "instant", "touch", channel="touched")
    .join(conversions, on="customer")
    .filter(
        (pl.col("touch") <= pl.col("last")) & (pl.col("instant") >= pl.col("converted") - LOOKBACK_US)
    )
    .sort("conversion", "touch")
    .with_columns(
        place=pl.col("touch") - pl.col("touch").min().over("conversion") + 1,
        n=pl.len().over("conversion"),
        weight=(-(pl.col("converted") - pl.col("instant")) / HALF_LIFE_US * 0.6931471805599453).exp(),
        channel_before=pl.col("channel").shift(1).over("conversion"),
    )
)
n, place = pl.col("n"), pl.col("place")
shares = paths.lazy().with_columns(
    first_touch=(place == 1).cast(pl.Float64),
    last_touch=(place == n).cast(pl.Float64),
    linear=1.0 / n,
    position=pl.when(n == 1)
    .then(1.0)
    .when(n == 2)
    .then(0.5)
    .when((place == 1) | (place == n))
    .then(0.4)
    .otherwise(0.2 / (n.cast(pl.Float64) - 2)),
    time_decay=pl.col("weight") / pl.col("weight").sum().over("conversion"),
)
credit = collect(
    shares.group_by("channel").agg(
        pl.len().alias("touches"),
        *[pl.col(model).sum() for model in MODELS],
        *[(pl.col(model) * pl.col("bought_minor")).sum().alias(f"{model}_value") for model in MODELS],
    )
)

channels = sorted(paths["channel"].cast(pl.String).unique().to_list())
bits = {channel: 1 << place for place, channel in enumerate(channels)}
masks = (
    paths.lazy()
    .with_columns(bit=pl.col("channel").cast(pl.String).replace_strict(bits, return_dtype=pl.Int64))
    .group_by("conversion")
    .agg(pl.col("bit").bitwise_or())
)
sets = collect(
    conversions.join(masks, on="conversion", how="left")
    .group_by(pl.col("bit").fill_null(0))
    .agg(pl.len(), pl.col("bought_minor").sum())
)
channel_sets = [
    ([channel for channel in channels if mask & bits[channel]], n, value) for mask, n, value in sets.iter_rows()
]

bought = clean.lazy().group_by("customer").agg(pl.col("purchases").max().alias("last_purchase"))
null_paths = collect(
    touches.join(bought, on="customer")
    .filter(pl.col("purchases") == pl.col("last_purchase"))
    .filter(pl.col("instant") >= pl.col("instant").max().over("customer") - LOOKBACK_US)
    .sort("customer", "touch")
    .select(
        channel="touched",
        channel_before=pl.col("touched").shift(1).over("customer"),
        channel_after=pl.col("touched").shift(-1).over("customer"),
    )
)


def counted(frame, *columns):
    return collect(frame.lazy().group_by(columns).agg(pl.len())).iter_rows()


pairs = pl.concat([frame.select("channel_before", "channel") for frame in (paths, null_paths)])
markov = [(before or "(start)", channel, n) for before, channel, n in counted(pairs, "channel_before", "channel")]
ends = paths.filter(pl.col("place") == pl.col("n"))
markov += [(channel, "(conversion)", n) for channel, n in counted(ends, "channel")]
ends = null_paths.filter(pl.col("channel_after").is_null())
markov += [(channel, "(null)", n) for channel, n in counted(ends, "channel")]

answer.write(asked, pl.__version__, credit.iter_rows(), markov, channel_sets, stage_steps)
