//! Mistakes in `[segments]`.

use touchline::config::Overrides;

use super::{bad, reject};

#[test]
fn a_count_of_nothing() {
    insta::assert_snapshot!(bad("[segments]\nmin_customers = 0\n"), @r#"
    error: `min_customers` is `0`
     --> touchline.toml:2:17
      |
    2 | min_customers = 0
      |                 ^
      |
      = hint: write a whole number of at least 1; the default is 10
    "#);
}

#[test]
fn an_id_as_a_dimension() {
    insta::assert_snapshot!(bad(r#"[segments]
dimensions = ["country", "customer_id"]
"#), @r#"
    error: `customer_id` does not divide customers into segments
     --> touchline.toml:2:26
      |
    2 | dimensions = ["country", "customer_id"]
      |                          ^^^^^^^^^^^^^
      |
      = hint: name an attribute of customers, a column of text such as `device`, or `first_channel`
    "#);
}

#[test]
fn behaviours_that_are_columns_or_reserved() {
    insta::assert_snapshot!(reject(r#"[segments]
dimensions = ["all"]
[segments.rules]
all = [ { event = "a" } ]
channel = [ { event = "a" } ]
device = [ { event = "a" } ]
plan = [ { event = "a" } ]
first_device = [ { event = "a" } ]
"(small)" = [ { event = "a" } ]
[inputs.customers]
path = "customers.parquet"
columns = { plan = "tariff" }
[inputs.touchpoints]
path = "touches.parquet"
columns = { device = "device_type" }
"#, &Overrides::default()), @r#"
    error: a dimension can't be called `all`, which means all customers in the tables
     --> touchline.toml:2:15
      |
    2 | dimensions = ["all"]
      |               ^^^^^
      |
      = hint: give the column another name: columns = { everything = "all" }

    error: `all` has a meaning of its own, and can't be the name of a behaviour
     --> touchline.toml:4:1
      |
    4 | all = [ { event = "a" } ]
      | ^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `channel` is a column, and can't be the name of a behaviour
     --> touchline.toml:5:1
      |
    5 | channel = [ { event = "a" } ]
      | ^^^^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `device` is a column, and can't be the name of a behaviour
     --> touchline.toml:6:1
      |
    6 | device = [ { event = "a" } ]
      | ^^^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `plan` is a column, and can't be the name of a behaviour
     --> touchline.toml:7:1
      |
    7 | plan = [ { event = "a" } ]
      | ^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `first_device` means a column of touches, and can't be the name of a behaviour
     --> touchline.toml:8:1
      |
    8 | first_device = [ { event = "a" } ]
      | ^^^^^^^^^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `(small)` can't be the name of a behaviour
     --> touchline.toml:9:1
      |
    9 | "(small)" = [ { event = "a" } ]
      | ^^^^^^^^^
      |
      = hint: write a name that isn't empty and doesn't begin with `(`
    "#);
}

#[test]
fn a_rule_for_customers_by_name() {
    insta::assert_snapshot!(bad(r#"[segments.rules]
friends = [ { customer_id = "ann", without = [ { customer_id = "bob" } ] } ]
"#), @r#"
    error: whose a row is can't change what it means
     --> touchline.toml:2:50
      |
    2 | friends = [ { customer_id = "ann", without = [ { customer_id = "bob" } ] } ]
      |                                                  ^^^^^^^^^^^
      |
      = hint: match other columns; rows of some customers are left out by `exclude` of their input

    error: whose a row is can't change what it means
     --> touchline.toml:2:15
      |
    2 | friends = [ { customer_id = "ann", without = [ { customer_id = "bob" } ] } ]
      |               ^^^^^^^^^^^
      |
      = hint: match other columns; rows of some customers are left out by `exclude` of their input
    "#);
}

#[test]
fn behaviours_that_nobody_has() {
    insta::assert_snapshot!(bad(r#"[segments.rules]
empty = []
nothing = [ {} ]
only_without = [ { without = ["purchase"] } ]
itself = [ { event = ["cart"], without = "cart" } ]
unlimited = [ { event = "cart", within = "1d" } ]
never = [ { event = "cart", without = [] } ]
blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
slip = [ { event = "cart", withuot = "purchase", within = "1d" } ]
none_of_them = [ { event = "cart", at_least = 0 } ]
number = [ { event = "cart", without = [ { value = "1" } ] } ]
"#), @r#"
    error: behaviour `empty` has no rule, so nobody would fit
     --> touchline.toml:2:9
      |
    2 | empty = []
      |         ^^
      |
      = hint: write at least one: [ { event = ["add_to_cart"], without = ["purchase"] } ]

    error: this matcher has no column
     --> touchline.toml:3:13
      |
    3 | nothing = [ {} ]
      |             ^^
      |
      = hint: name a column and its values, such as event = ["click"]

    error: this matcher has no column
     --> touchline.toml:4:18
      |
    4 | only_without = [ { without = ["purchase"] } ]
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: name a column and its values, such as event = ["click"]

    error: nobody fits this rule of `itself`: the same rows must be there and must not follow
     --> touchline.toml:5:12
      |
    5 | itself = [ { event = ["cart"], without = "cart" } ]
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: name other rows in `without`: a row at the same instant follows too

    error: `within` has nothing to limit in this rule
     --> touchline.toml:6:42
      |
    6 | unlimited = [ { event = "cart", within = "1d" } ]
      |                                          ^^^^
      |
      = hint: say what must not follow so soon, without = ["purchase"], or how many rows it takes, at_least = 2

    error: `without` of `never` is empty, so nothing would be left out
     --> touchline.toml:7:39
      |
    7 | never = [ { event = "cart", without = [] } ]
      |                                       ^^
      |
      = hint: write what must not follow, such as without = ["purchase"], or remove `without`

    error: a pattern of `without` is empty
     --> touchline.toml:8:40
      |
    8 | blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
      |                                        ^^
      |
      = hint: write the event, with `*` for any run of characters

    error: `event` has no patterns, so nothing would match
     --> touchline.toml:8:54
      |
    8 | blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
      |                                                      ^^
      |
      = hint: write at least one, such as event = ["..."], or remove `event`

    error: this matcher has no column
     --> touchline.toml:8:60
      |
    8 | blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
      |                                                            ^^
      |
      = hint: name a column and its values, such as event = ["click"]

    error: unknown key `withuot` in [segments.rules.slip]
     --> touchline.toml:9:28
      |
    9 | slip = [ { event = "cart", withuot = "purchase", within = "1d" } ]
      |                            ^^^^^^^
      |
      = hint: did you mean `without`? If `withuot` is a column, map it: columns = { withuot = "withuot" }

    error: `at_least` is `0`
      --> touchline.toml:10:47
       |
    10 | none_of_them = [ { event = "cart", at_least = 0 } ]
       |                                               ^
       |
       = hint: write a whole number of at least 1; the default is 1

    error: `value` is not a column of text, and a matcher compares text
      --> touchline.toml:11:44
       |
    11 | number = [ { event = "cart", without = [ { value = "1" } ] } ]
       |                                            ^^^^^
       |
       = hint: match one of `customer_id`, `event`, `event_id`, `channel`, `campaign`, `source`, `medium`, `currency`, `order_id`
    "#);
    insta::assert_snapshot!(bad(r#"[segments.rules]
text = "cart"
number = [ { event = "cart", without = 1 } ]
inner = [ { event = "cart", without = [1] } ]
duration = [ { event = "cart", within = 1 } ]
count = [ { event = "cart", at_least = "2" } ]
"#), @r#"
    error: `segments.rules.count.0.at_least` is the string "2", expected a whole number
     --> touchline.toml:6:40
      |
    6 | count = [ { event = "cart", at_least = "2" } ]
      |                                        ^^^
      |
      = hint: write a whole number without quotes: at_least = 10

    error: `segments.rules.duration.0.within` is the integer `1`, expected a string
     --> touchline.toml:5:41
      |
    5 | duration = [ { event = "cart", within = 1 } ]
      |                                         ^
      |
      = hint: write a duration in quotes: within = "30d"

    error: `segments.rules.inner.0.without.0` is the integer `1`, expected an event or a matcher
     --> touchline.toml:4:40
      |
    4 | inner = [ { event = "cart", without = [1] } ]
      |                                        ^
      |
      = hint: write events or matchers: without = ["purchase"] or without = [ { event = ["purchase"] } ]

    error: `segments.rules.number.0.without` is the integer `1`, expected events or matchers
     --> touchline.toml:3:40
      |
    3 | number = [ { event = "cart", without = 1 } ]
      |                                        ^
      |
      = hint: write events or matchers: without = ["purchase"] or without = [ { event = ["purchase"] } ]

    error: `segments.rules.text` is the string "cart", expected a list
     --> touchline.toml:2:8
      |
    2 | text = "cart"
      |        ^^^^^^
      |
      = hint: write a list of rules: text = [ { event = ["add_to_cart"], without = ["purchase"] } ]
    "#);
}

#[test]
fn a_population_of_nobody_knows_whom() {
    insta::assert_snapshot!(bad(r#"[segments]
population = "all"
correction = "fdr"
"#), @r#"
    error: there is no customers table that says who all customers are
     --> touchline.toml:2:14
      |
    2 | population = "all"
      |              ^^^^^
      |
      = hint: say where it is: [inputs.customers] with path = "exports/customers.parquet"

    error: unknown correction `fdr`
     --> touchline.toml:3:14
      |
    3 | correction = "fdr"
      |              ^^^^^
      |
      = hint: the choices are `benjamini_hochberg`, `holm`, `none`
    "#);
    insta::assert_snapshot!(bad(r#"[segments]
population = "everybody"
"#), @r#"
    error: unknown population `everybody`
     --> touchline.toml:2:14
      |
    2 | population = "everybody"
      |              ^^^^^^^^^^^
      |
      = hint: the choices are `active`, `all`
    "#);
}
