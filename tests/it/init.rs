//! `touchline init`: what it makes of exports, and that a run accepts it.

use std::path::{Path, PathBuf};

use crate::reference;
use crate::support::{
    Columns, Ran, Warehouse, few_touchpoints, floats, ints, micros, text, times, with, without,
};

/// A folder without a configuration.
fn exports() -> Warehouse {
    let warehouse = Warehouse::new("");
    std::fs::remove_file(warehouse.path("touchline.toml")).unwrap();
    warehouse
}

fn accepted(warehouse: &Warehouse, arguments: &[&str]) -> String {
    let ran = warehouse.touchline(&[&["init"], arguments].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let config = std::fs::read_to_string(warehouse.path("touchline.toml")).unwrap();
    let ran = warehouse.touchline(&["run", "-q"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{config}");
    config
}

fn toml(config: &str) -> toml::Table {
    config.parse().unwrap_or_else(|error| panic!("{error}\n{config}"))
}

fn order(config: &str) -> Vec<String> {
    let order = toml(config)["stages"]["order"].as_array().unwrap().clone();
    order.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Naive timestamps of `04-02 10:30`.
fn local_times(values: &[&str]) -> arrow::array::ArrayRef {
    let micros = values.iter().map(|value| Some(micros(value)));
    std::sync::Arc::new(micros.collect::<arrow::array::TimestampMicrosecondArray>())
}

#[test]
fn a_shop_under_other_names() {
    let warehouse = exports();
    let log: Columns = vec![
        ("visitorId", text(&["c-1", "c-1", "c-1", "c-2", "c-2", "c-3", "c-3", "c-3"])),
        (
            "eventTime",
            local_times(&[
                "04-01 08:00",
                "04-01 08:05",
                "04-01 08:10",
                "04-01 09:00",
                "04-01 09:05",
                "04-02 10:00",
                "04-02 10:05",
                "04-02 10:10",
            ]),
        ),
        (
            "action",
            text(&[
                "page_view",
                "add_to_cart",
                "purchase",
                "page_view",
                "search",
                "page_view",
                "add_to_cart",
                "payment_error",
            ]),
        ),
        ("utm_source", text(&["google", "~", "~", "news", "~", "google", "~", "~"])),
        ("utm_medium", text(&["cpc", "~", "~", "email", "~", "organic", "~", "~"])),
        ("revenue", floats(&[None, None, Some(30.0), None, None, None, None, None])),
        ("device", text(&["phone", "phone", "phone", "desktop", "desktop", "phone", "phone", "phone"])),
    ];
    warehouse.parquet("exports/log/day-1.parquet", log.clone());
    warehouse.parquet("exports/log/day-2.parquet", log);
    warehouse.parquet(
        "exports/people.parquet",
        vec![("user_id", text(&["c-1", "c-2", "c-3"])), ("plan", text(&["free", "paid", "free"]))],
    );
    warehouse.write(
        "exports/ads.csv",
        "Day,utm_source,utm_medium,Amount spent,Clicks\n2026-04-01,google,cpc,12.50,3\n",
    );
    warehouse.write("exports/notes.csv", "a,b\n1,2\n");
    warehouse.write("exports/broken.parquet", "no Parquet");
    let ran = warehouse.touchline(&["init", "exports"]);
    insta::assert_snapshot!(ran.stderr, @r#"
    wrote touchline.toml
      touchpoints  exports/log/*.parquet (2 files, 16 rows)
                     customer_id = visitorId, occurred_at = eventTime, event = action, source = utm_source, medium = utm_medium, value = revenue
      spend        exports/ads.csv (1 file, 1 row)
                     date = Day, cost = Amount spent, source = utm_source, medium = utm_medium, clicks = Clicks
      customers    exports/people.parquet (1 file, 3 rows)
                     customer_id = user_id
      stages       visit > consideration > cart > purchase
      conversions  purchase (event purchase, with its value)
      segments     plan, device, first_channel
      look at      timezone = "UTC": there are times without a zone, so this is a guess
      look at      currency: no column says it, or several are named
      left out     exports/notes.csv: it has the columns of no input
      left out     exports/broken.parquet: it can't be read
    next:  touchline check -c touchline.toml  shows what a run would read
           touchline run -c touchline.toml
    "#);
    insta::assert_snapshot!(std::fs::read_to_string(warehouse.path("touchline.toml")).unwrap(), @r#"
    # Written by `touchline init`, which guessed from names, types and the rows. Read it once and correct
    # what is wrong; every comment says what a guess rests on. The reference of all keys: docs/configuration.md

    [job]
    timezone = "UTC"                    # a guess: whose midnight ends a day, such as "Europe/Sofia"
    currency = "EUR"                    # a guess: the ISO 4217 code of the amounts

    [window]                            # the whole of the data, unless `--from`, `--to` or `--date` say otherwise
    lookback = "30d"                    # how far a conversion looks back for touches

    [inputs.touchpoints]                # 2 files, 16 rows
    path = "exports/log/*.parquet"
    timezone = "UTC"                    # a guess: `eventTime` has no zone; say whose time it is
    [inputs.touchpoints.columns]
    customer_id = "visitorId"           # by its name and type
    occurred_at = "eventTime"           # by its name and type
    event = "action"                    # by its name and type; 5 events: page_view, add_to_cart, purchase, search, payment_error
    source = "utm_source"               # by its name and type
    medium = "utm_medium"               # by its name and type
    value = "revenue"                   # by its name and type

    [inputs.spend]                      # 1 file, 1 row
    path = "exports/ads.csv"
    [inputs.spend.columns]
    date = "Day"                        # by its name and type
    cost = "Amount spent"               # by its name and type
    source = "utm_source"               # by its name and type
    medium = "utm_medium"               # by its name and type
    clicks = "Clicks"                   # by its name and type

    [inputs.customers]                  # 1 file, 3 rows
    path = "exports/people.parquet"
    [inputs.customers.columns]
    customer_id = "user_id"             # by its name and type

    [channels]                          # no column says the channel: rules make it of source and medium
    preset = "ga4"

    [stages]                            # by the words in the names of the events
    order = ["visit", "consideration", "cart", "purchase"]
    mode = "ordered"                    # a stage counts once the ones before it were entered; else "any"
    # in no stage, 1 event: payment_error

    [stages.rules]
    visit = [ { event = ["page_view"] } ]
    consideration = [ { event = ["search"] } ]
    cart = [ { event = ["add_to_cart"] } ]
    purchase = [ { event = ["purchase"] } ]

    [conversions.purchase]              # by the name of the event
    event = ["purchase"]
    value = "value"                     # the column; most of these rows have one

    [segments]                          # columns with 2 to 20 values, and the channel of the first touch
    dimensions = ["plan", "device", "first_channel"]

    [output]
    path = "out"                        # a folder beside this file
    "#);
    warehouse.run(&["-q"]);
    let kept =
        warehouse.select("reconciliation", &[("ledger", "rows"), ("item", "touchpoints")], &["booked"]);
    assert_eq!(kept, "16");
}

#[test]
fn a_file_that_is_there_is_kept() {
    let warehouse = Warehouse::new("# mine\n");
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    let shown = |ran: &Ran| format!("exit code {}\n{}", ran.code, ran.stderr);
    let ran = warehouse.touchline(&["init", "touchpoints"]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit code 64
    error: touchline.toml is there already
    hint: write elsewhere with `--config FILE`, or over it with `--overwrite`
    ");
    assert_eq!(std::fs::read_to_string(warehouse.path("touchline.toml")).unwrap(), "# mine\n");
    let ran = warehouse.touchline(&["init", "touchpoints", "--force", "-q"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    warehouse.run(&["-q"]);
    let ran = warehouse.touchline(&["init", "touchpoints", "-o", "conf/none/touchline.toml"]);
    assert_eq!(ran.code, 74, "{}", ran.stderr);
}

#[test]
fn options_are_variables() {
    let warehouse = exports();
    warehouse.parquet("touchpoints/a.parquet", without(few_touchpoints(), "event"));
    let init = |variables: &[(&str, &str)]| {
        let mut command = warehouse.command(&["init", "touchpoints"]);
        command.env("TOUCHLINE_CONFIG", "mine.toml").envs(variables.iter().copied());
        warehouse.finish(command)
    };
    assert_eq!(init(&[]).code, 66, "no event");
    let ran = init(&[("TOUCHLINE_EVENT", "click"), ("TOUCHLINE_QUIET", "1")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(std::fs::read_to_string(warehouse.path("mine.toml")).unwrap().contains("event = \"click\""));
    // What a scheduler sets for runs overwrites no configuration.
    let ran = init(&[("TOUCHLINE_EVENT", "view"), ("TOUCHLINE_FORCE", "1"), ("TOUCHLINE_OUTPUT", "json")]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert_eq!(init(&[("TOUCHLINE_EVENT", "view"), ("TOUCHLINE_OVERWRITE", "1")]).code, 0);
    assert!(std::fs::read_to_string(warehouse.path("mine.toml")).unwrap().contains("event = \"view\""));
}

#[test]
fn the_direct_channel_is_found_as_it_is_spelt() {
    let warehouse = exports();
    let channels = |direct: &str| {
        with(few_touchpoints(), "channel", text(&["Email", "~", "Search", "~", direct, "Email"]))
    };
    for (direct, written) in
        [("(direct)", "direct = \"(direct)\""), ("Typed/Bookmarked", "direct = \"Typed/Bookmarked\"")]
    {
        warehouse.parquet("log.parquet", channels(direct));
        let ran = warehouse.touchline(&["init", "log.parquet", "--overwrite"]);
        assert!(ran.stderr.contains(&format!("\n  direct       {direct}\n")), "{}", ran.stderr);
        let config = accepted(&warehouse, &["log.parquet", "--overwrite"]);
        assert!(config.contains(&format!("\n[channels]\n{written}")), "{config}");
        assert!(!warehouse.csv("data_quality").contains("direct_under_another_name"));
    }
    let two = with(few_touchpoints(), "channel", text(&["direct", "~", "Direct", "~", "Email", "Email"]));
    warehouse.parquet("log.parquet", two);
    let config = accepted(&warehouse, &["log.parquet", "--overwrite"]);
    assert!(config.contains("\ndirect = [\"Direct\", \"direct\"]"), "{config}");
    warehouse.parquet("log.parquet", few_touchpoints());
    assert!(!accepted(&warehouse, &["log.parquet", "--overwrite"]).contains("[channels]"));
}

#[test]
fn files_of_a_folder_are_named_by_patterns() {
    let warehouse = exports();
    for day in 1..=30 {
        warehouse.parquet(&format!("exports/log_2026-04-{day:02}.parquet"), few_touchpoints());
    }
    warehouse.parquet(
        "exports/people.parquet",
        vec![("customer_id", text(&["c-1", "c-2"])), ("plan", text(&["a", "b"]))],
    );
    let config = accepted(&warehouse, &["exports"]);
    assert_eq!(
        toml(&config)["inputs"]["touchpoints"]["path"].as_str(),
        Some("exports/log_*.parquet"),
        "{config}"
    );
    // One that can't be read costs some patterns, and not a line for each of the others.
    warehouse.write("exports/log_2026-04-17.parquet", "no Parquet");
    let ran = warehouse.touchline(&["init", "exports", "--overwrite"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("look at      touchpoints: other files lie among these, so 12 parts name them"),
        "{}",
        ran.stderr
    );
    let config = std::fs::read_to_string(warehouse.path("touchline.toml")).unwrap();
    assert_eq!(toml(&config)["inputs"]["touchpoints"]["path"].as_array().unwrap().len(), 12, "{config}");
    assert_eq!(warehouse.touchline(&["run", "-q"]).code, 0);
    // What wasn't looked at is not read, though it lies in the same folder.
    let config = accepted(&warehouse, &["exports/log_2026-04-0*.parquet", "--overwrite"]);
    assert_eq!(
        toml(&config)["inputs"]["touchpoints"]["path"].as_str(),
        Some("exports/log_2026-04-0*.parquet"),
        "{config}"
    );
}

#[test]
fn what_is_missing_is_said_of_each_file() {
    let warehouse = exports();
    let columns = without(few_touchpoints(), "event");
    warehouse.parquet("orders.parquet", without(columns, "channel"));
    warehouse.parquet(
        "epochs.parquet",
        vec![
            ("user_id", ints(&[1, 1])),
            ("event_timestamp", ints(&[1_775_000_000, 1_775_000_001])),
            ("event_name", text(&["view", "purchase"])),
        ],
    );
    warehouse.write("log.csv", "user_id,ts,event\n1,2026-04-01T00:00:00Z,view\n1,2026-04-01T00:00:01Z,buy\n");
    warehouse.write("ads.csv", "date,cost,clicks\n2026-04-01,3.50,2\n");
    let ran = warehouse.touchline(&["init", "."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
    insta::assert_snapshot!(ran.stderr, @r"
    error: no file has the columns of touchpoints
      FOLDER/ads.csv: as touchpoints it lacks `customer_id` (also known as user_id, client_id, visitor_id …), `event` (also known as event_name, event_type, action …) and the form of Parquet (only spend and rates may be CSV); as spend it lacks `channel` (also known as marketing_channel, channel_name, channel_group …)
        it has date (date), cost (number), clicks (integer)
      FOLDER/epochs.parquet: as touchpoints it lacks `occurred_at`, for `event_timestamp` is an integer, not a timestamp
        it has user_id (integer), event_timestamp (integer), event_name (text)
      FOLDER/log.csv: as touchpoints it lacks the form of Parquet (only spend and rates may be CSV)
        it has user_id (integer), ts (timestamp), event (text)
      FOLDER/orders.parquet: as touchpoints it lacks `event` (also known as event_name, event_type, action …)
        it has customer_id (text), occurred_at (timestamp), value (number)
    hint: name the folder of the touchpoint log: Parquet with a customer, a time and an event in each row; where all rows are the same event, say which: `--event purchase`
    ");
    assert!(!warehouse.path("touchline.toml").exists());
    let ran = warehouse.touchline(&["init", "nowhere"]);
    assert_eq!(ran.code, 66, "{}", ran.stderr);
    assert_eq!(warehouse.touchline(&["init"]).code, 64);
}

#[test]
fn orders_are_touchpoints_where_the_event_is_said() {
    let warehouse = exports();
    let columns = without(without(few_touchpoints(), "event"), "channel");
    warehouse.parquet("orders.parquet", columns);
    let config = accepted(&warehouse, &["orders.parquet", "--event", "purchase"]);
    assert_eq!(toml(&config)["inputs"]["touchpoints"]["constants"]["event"].as_str(), Some("purchase"));
    assert_eq!(toml(&config)["conversions"]["purchase"]["event"][0].as_str(), Some("purchase"));
}

#[test]
fn a_column_of_0_and_1_is_a_conversion() {
    let warehouse = exports();
    let columns = with(without(few_touchpoints(), "value"), "converted", ints(&[0, 1, 0, 0, 0, 1]));
    let columns = with(columns, "event", text(&["ad"; 6]));
    warehouse.parquet("clicks.parquet", columns);
    let config = accepted(&warehouse, &["clicks.parquet"]);
    assert_eq!(toml(&config)["conversions"]["conversion"]["converted"][0].as_str(), Some("1"), "{config}");
    let booked =
        warehouse.select("reconciliation", &[("ledger", "credit"), ("model", "linear")], &["booked"]);
    assert_eq!(booked.lines().next(), Some("2"), "{booked}");
}

#[test]
fn rows_of_an_order_are_repetitions_or_items_by_their_values() {
    let orders = |values: [f64; 3]| {
        let warehouse = exports();
        let columns: Columns = vec![
            ("customer_id", text(&["c-1", "c-1", "c-1"])),
            ("ts", times(&["04-01 08:00", "04-01 08:00", "04-01 08:00"])),
            ("event", text(&["purchase", "purchase", "purchase"])),
            ("order_id", text(&["o-1", "o-1", "o-2"])),
            ("value", floats(&values.map(Some))),
        ];
        warehouse.parquet("log.parquet", columns);
        let config = accepted(&warehouse, &["log.parquet"]);
        let orders = toml(&config)["conversions"]["purchase"]["orders"].as_str().unwrap().to_owned();
        (
            orders,
            warehouse.select(
                "reconciliation",
                &[("ledger", "value"), ("model", "linear")],
                &["unattributed"],
            ),
        )
    };
    assert_eq!(orders([5.0, 7.0, 1.0]), ("sum".to_owned(), "13".to_owned()));
    assert_eq!(orders([5.0, 5.0, 1.0]), ("first".to_owned(), "6".to_owned()));
}

#[test]
fn odd_names_come_through() {
    let warehouse = exports();
    let odd = ["a \"b\" \\ c", "(not set)", "${HOME}", "line\nbreak", "view*", "ünï # x"];
    let columns: Columns = vec![
        ("User ID", text(&["c-1", "c-1", "c-1", "c-2", "c-2", "c-2"])),
        (
            "Event Time",
            times(&[
                "04-01 08:00",
                "04-01 08:01",
                "04-01 08:02",
                "04-01 08:00",
                "04-01 08:01",
                "04-01 08:02",
            ]),
        ),
        ("Event Name", text(&odd)),
        ("a \"dimension\" # ${HOME}", text(&["x", "x", "x", "y", "y", "y"])),
        ("", text(&["x", "x", "x", "y", "y", "y"])),
        ("all", text(&["x", "x", "x", "y", "y", "y"])),
    ];
    warehouse.parquet("it's [odd]/${HOME} {1}.parquet", columns.clone());
    warehouse.parquet("it's [odd]/${HOME} {2}.parquet", columns);
    let config = accepted(&warehouse, &["."]);
    assert!(toml(&config)["segments"]["dimensions"].as_array().unwrap().len() == 1, "{config}");
    let kept =
        warehouse.select("reconciliation", &[("ledger", "rows"), ("item", "touchpoints")], &["booked"]);
    assert_eq!(kept, "12", "{config}");
}

#[test]
fn several_logs_of_different_columns_are_several_sources() {
    let warehouse = exports();
    warehouse.parquet("web.parquet", few_touchpoints());
    let store: Columns = vec![
        ("client_id", text(&["c-1", "c-2", "c-2"])),
        ("at", times(&["04-01 08:00", "04-01 10:00", "04-01 12:00"])),
        ("event_type", text(&["store_visit", "store_visit", "store_purchase"])),
        ("value", floats(&[None, None, Some(5.0)])),
    ];
    warehouse.parquet("stores/a.parquet", store);
    let config = accepted(&warehouse, &["."]);
    let sources = toml(&config)["inputs"]["touchpoints"].as_array().unwrap().len();
    assert_eq!(sources, 2, "{config}");
    assert_eq!(order(&config), ["visit", "purchase"]);
    let booked = warehouse.select("reconciliation", &[("ledger", "value"), ("model", "linear")], &["booked"]);
    assert_eq!(booked, "47.5", "{config}");
}

#[test]
fn currencies_without_rates_are_not_added_up() {
    let warehouse = exports();
    let columns = with(few_touchpoints(), "currency", text(&["~", "USD", "~", "EUR", "~", "~"]));
    warehouse.parquet("log.parquet", columns.clone());
    let config = accepted(&warehouse, &["."]);
    assert!(config.contains("add [inputs.rates] first"), "{config}");
    let one = with(columns, "currency", text(&["~", "USD", "~", "USD", "~", "~"]));
    warehouse.parquet("log.parquet", one);
    let config = accepted(&warehouse, &[".", "--force"]);
    assert_eq!(toml(&config)["job"]["currency"].as_str(), Some("USD"));
}

#[test]
fn bad_rows_of_the_sample_are_allowed_for() {
    let warehouse = exports();
    let columns = with(few_touchpoints(), "customer_id", text(&["c-1", "~", "c-2", "c-2", "c-3", "c-3"]));
    warehouse.parquet("log.parquet", with(columns, "event_id", text(&["1", "2", "3", "3", "5", "6"])));
    let config = accepted(&warehouse, &["."]);
    assert!(config.contains("max_rejected_share") && config.contains("max_duplicate_share"), "{config}");
}

#[test]
fn no_id_and_no_attribute_of_a_customer_is_written_or_told() {
    let warehouse = exports();
    let canaries = ["canary-1", "canary-2", "canary-3", "canary-4", "canary-5", "canary-6"];
    let columns = with(few_touchpoints(), "order_id", text(&canaries));
    let columns = with(columns, "note", text(&["canary-7", "canary-7", "canary-8", "~", "~", "~"]));
    warehouse.parquet("log.parquet", with(columns, "customer_id", text(&canaries)));
    warehouse.parquet(
        "customers.parquet",
        vec![
            ("customer_id", text(&["canary-1", "canary-2"])),
            ("city", text(&["canary-town", "canary-burg"])),
        ],
    );
    let ran = warehouse.touchline(&["init", "."]);
    let config = std::fs::read_to_string(warehouse.path("touchline.toml")).unwrap();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(config.contains("\"city\"") && config.contains("\"note\""), "{config}");
    assert!(!config.contains("canary") && !ran.stderr.contains("canary"), "{config}{}", ran.stderr);
}

#[test]
fn the_sample_has_the_same_inputs_under_a_guessed_configuration() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let warehouse = exports();
    let ran = warehouse.touchline(&["init", &sample.display().to_string()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let config = std::fs::read_to_string(warehouse.path("touchline.toml")).unwrap();
    let of_sample: Vec<String> = reads(&warehouse, &sample.join("touchline.toml"));
    let guessed: Vec<String> = reads(&warehouse, &warehouse.path("touchline.toml"));
    assert_eq!(guessed, of_sample, "{config}");
    assert_eq!(
        order(&config),
        [
            "awareness",
            "visit",
            "consideration",
            "cart",
            "checkout",
            "purchase",
            "experience",
            "service",
            "loyalty"
        ]
    );
    let config = toml(&config);
    assert_eq!(config["conversions"]["purchase"]["value"].as_str(), Some("value"));
    assert!(config["segments"]["dimensions"].as_array().unwrap().len() >= 4);
    assert!(config["experiments"]["*"].is_table());
}

/// What `check` says that a run reads: input, files and rows.
fn reads(warehouse: &Warehouse, config: &Path) -> Vec<String> {
    let ran = warehouse.touchline(&["check", "-c", &config.display().to_string()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Columns that nothing asks for depend on what is asked for.
    let is_read = |line: &&str| line.trim_start().starts_with("inputs.") && !line.contains('`');
    let lines = ran.stdout.lines().filter(is_read);
    // The bytes are those of the columns that are read, and they depend on what the rules look at.
    let mut lines: Vec<String> =
        lines.map(|line| line.rsplit_once(", ").map_or(line, |(before, _)| before).to_owned()).collect();
    lines.sort();
    lines
}

/// Data of others, with what should come of each folder: stages, or what is missing.
#[test]
fn real_exports_give_configurations_that_run() {
    let Some(data) = reference::data() else { return };
    let folders: [(&str, &[&str]); 3] = [
        ("clickstream", &["visit", "consideration", "cart", "checkout", "purchase"]),
        ("email_experiment", &["awareness", "visit", "conversion"]),
        ("paths", &["touch", "conversion"]),
    ];
    for (folder, stages) in folders {
        let warehouse = exports();
        let config = accepted(&warehouse, &[&path(&data, folder)]);
        assert_eq!(order(&config), stages, "{folder}\n{config}");
        assert!(warehouse.current().join("manifest.json").is_file());
    }
    for (folder, missing) in [("ads", "`customer_id`"), ("purchases", "`event`")] {
        let ran = exports().touchline(&["init", &path(&data, folder)]);
        assert_eq!(ran.code, 66, "{}", ran.stderr);
        assert!(ran.stderr.contains(missing), "{folder}: {}", ran.stderr);
    }
    let warehouse = exports();
    let orders = PathBuf::from(path(&data, "purchases")).join("transactions_sample.parquet");
    accepted(&warehouse, &[&orders.display().to_string(), "--event", "purchase"]);
}

fn path(data: &Path, folder: &str) -> String {
    data.join(folder).canonicalize().unwrap().display().to_string()
}
