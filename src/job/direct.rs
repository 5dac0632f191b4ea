//! Direct channels under another name: `last_non_direct` would take them for channels like any other, and equal `last_touch`
//! without a word.

use crate::config::plan::{Model, Plan};

/// What the check is called, before the name of a channel.
pub const CHECK: &str = "direct_under_another_name";

/// At most so many are named in a sentence.
const MOST_NAMED: usize = 5;

/// Channels of the data with the letters of one in `channels.direct`, where a model asks which are direct.
pub fn under_another_name<'r>(plan: &'r Plan, channels: &'r [String]) -> impl Iterator<Item = &'r str> {
    let is_asked = plan.attribution.models.contains(&Model::LastNonDirect);
    let almost = channels.iter().filter(move |name| is_asked && plan.channels.is_almost_direct(name));
    almost.map(String::as_str)
}

/// Says which, and what to write; None where there are none.
pub fn warning(plan: &Plan, channels: &[String]) -> Option<String> {
    let found: Vec<&str> = under_another_name(plan, channels).take(MOST_NAMED).collect();
    let (first, others) = found.split_first()?;
    let and_others: String = others.iter().map(|name| format!(", `{name}`")).collect();
    let present = plan.channels.direct.iter().map(String::as_str);
    let present = present.filter(|name| name.contains('*') || channels.iter().any(|known| known == name));
    let own = written(plan.channels.direct.iter().map(String::as_str));
    let all = written(present.chain(found.iter().copied()));
    Some(format!(
        "the data have the channel `{first}`{and_others}, and channels.direct is {own}: last_non_direct takes `{first}` for a \
         channel like any other; if customers came by themselves there, write channels.direct = {all}"
    ))
}

/// Names as the configuration has them.
fn written<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    match &names[..] {
        [only] => only.clone(),
        names => format!("[{}]", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Overrides, parse};

    fn told(more: &str, channels: &[&str]) -> String {
        let text = format!("[inputs.touchpoints]\npath = \"t\"\n{more}");
        let plan = parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None);
        let plan = plan.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let channels: Vec<String> = channels.iter().map(|name| (*name).to_owned()).collect();
        warning(&plan, &channels).unwrap_or_default()
    }

    #[test]
    fn what_to_write_is_said() {
        insta::assert_snapshot!(told("", &["Email", "direct"]), @r#"the data have the channel `direct`, and channels.direct is "Direct": last_non_direct takes `direct` for a channel like any other; if customers came by themselves there, write channels.direct = "direct""#);
        insta::assert_snapshot!(told("[channels]\ndirect = [\"Direct\", \"Book*\"]\n", &["(direct)", "DIRECT", "Direct"]), @r#"the data have the channel `(direct)`, `DIRECT`, and channels.direct is ["Direct", "Book*"]: last_non_direct takes `(direct)` for a channel like any other; if customers came by themselves there, write channels.direct = ["Direct", "Book*", "(direct)", "DIRECT"]"#);
        for (more, channels) in [
            ("", &["Direct", "Email"][..]),
            ("", &["Direct Mail"]),
            ("[attribution]\nmodels = [\"last_touch\"]\n", &["direct"]),
            ("[channels]\ndirect = \"direct\"\n", &["direct"]),
        ] {
            assert_eq!(told(more, channels), "", "{more}{channels:?}");
        }
    }
}
