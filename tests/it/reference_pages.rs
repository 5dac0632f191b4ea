//! `touchline completions` and `touchline man`: every shell, every option.

use crate::support::Warehouse;

#[test]
fn completions_for_every_shell() {
    let warehouse = Warehouse::new("");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = warehouse.touchline(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
        for word in ["touchline", "explain", "make-current", "generate"] {
            assert!(ran.stdout.contains(word), "{shell}: no {word}");
        }
    }
    let ran = warehouse.touchline(&["completions", "cmd"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (64, ""));
}

#[test]
fn the_manual_page_names_every_command_and_option() {
    let ran = Warehouse::new("").touchline(&["man"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains(".TH touchline 1"), "{}", &ran.stdout[..200]);
    // In roff a hyphen that isn't a dash has a backslash.
    let page = ran.stdout.replace("\\-", "-");
    let mut commands = touchline::cli::command();
    commands.build();
    let mut seen = 0;
    for command in commands.get_subcommands().filter(|command| command.get_name() != "help") {
        let heading = format!(".SS \"touchline {}\"", command.get_name());
        let begin = page.find(&heading).unwrap_or_else(|| panic!("no {heading}"));
        let rest = &page[begin + heading.len()..];
        let section = &rest[..rest.find(".SS ").unwrap_or(rest.len())];
        for long in
            command.get_arguments().filter(|argument| !argument.is_hide_set()).filter_map(|a| a.get_long())
        {
            seen += 1;
            assert!(section.contains(&format!("--{long}")), "{}: no --{long}", command.get_name());
        }
        for positional in command.get_positionals() {
            let name = positional.get_value_names().and_then(|names| names.first()).unwrap();
            assert!(section.contains(name.as_str()), "{}: no {name}", command.get_name());
        }
    }
    assert!(seen > 50, "only {seen} options");
    for code in ["64", "65", "66", "70", "74", "75", "78", "99", "130, 143"] {
        assert!(page.contains(&format!("\n{code}\n")), "no exit code {code}");
    }
}
