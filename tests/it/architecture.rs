//! Holds the walls that ARCHITECTURE.md promises, by reading the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that know nothing of tables, files, clocks and threads.
const PURE: [&str; 3] = ["stats", "journey", "attribution"];
/// What they must not mention.
const IMPURE: [&str; 14] = [
    "polars",
    "arrow",
    "parquet",
    "rayon",
    "std::fs",
    "std::time",
    "std::thread",
    "std::net",
    "std::env",
    "std::process",
    "fs::",
    "Instant::now",
    "SystemTime",
    "jiff",
];

/// A source file with comments and tests blanked out; lines keep their numbers.
struct Source {
    /// Relative to the root of the crate.
    path: String,
    /// The top-level module that it belongs to; `lib` and `main` are none.
    module: String,
    code: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of `src` that isn't a test module.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join("src"), &mut paths);
    let mut tests = BTreeSet::new();
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a source");
        for module in test_modules(&text) {
            let folder =
                if path.ends_with("mod.rs") { path.with_file_name("") } else { path.with_extension("") };
            tests.insert(folder.join(format!("{module}.rs")));
        }
        let relative = path.strip_prefix(root()).expect("below the root").display().to_string();
        let module = relative.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs").to_owned();
        sources.push(Source { path: relative, module, code: code_of(&text) });
    }
    sources.retain(|source| !tests.contains(&root().join(&source.path)));
    assert!(sources.len() > 50, "only {} sources found", sources.len());
    sources
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Names of the modules in files of their own that stand behind `#[cfg(test)]`.
fn test_modules(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with(';'))
        .filter_map(|pair| {
            let name = pair[1].trim_end_matches(';').rsplit(' ').next()?;
            pair[1].contains("mod ").then(|| name.to_owned())
        })
        .collect()
}

/// The lines of a file without comments and without inline test modules.
fn code_of(text: &str) -> Vec<String> {
    let mut code = Vec::new();
    let mut in_tests = false;
    let mut after_cfg = false;
    for line in text.lines() {
        if after_cfg && line.starts_with("mod ") && line.ends_with('{') {
            in_tests = true;
        }
        after_cfg = line == "#[cfg(test)]";
        let shown = if in_tests { "" } else { without_comment(line) };
        code.push(shown.to_owned());
        // A module at the top of a file ends where a brace stands in the first column.
        if in_tests && line == "}" {
            in_tests = false;
        }
    }
    code
}

/// What stands before `//`; a `//` after an odd number of quotes is taken for text.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//") {
        let at = from + at;
        if line[..at].matches('"').count().is_multiple_of(2) {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

/// Names of the modules of lib.rs, in their order.
fn modules() -> Vec<String> {
    read("src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect()
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Positions at which a name stands that isn't part of a longer one.
fn mentions<'t>(line: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    line.match_indices(name).map(|(at, _)| at).filter(move |at| {
        let before = line[..*at].chars().next_back().is_some_and(is_word);
        let after = name.ends_with(is_word) && line[at + name.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

/// Top-level modules named after `crate::` or `touchline::`, with their lines, counted from 1.
fn imports(source: &Source) -> Vec<(usize, String)> {
    // Joined, so that a list over several lines is seen whole; lines are found again by counting.
    let text = source.code.join("\n");
    let mut found = Vec::new();
    for prefix in ["crate::", "touchline::"] {
        for at in mentions(&text, prefix) {
            let line = text[..at].matches('\n').count() + 1;
            let rest = &text[at + prefix.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                // Only what stands at the first level of the braces is a module of the crate.
                let mut depth = 0_usize;
                let mut name = String::new();
                let mut taken = false;
                for letter in list.chars() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.push((line, std::mem::take(&mut name)));
                            taken = false;
                        }
                        letter if depth == 0 && !taken && is_word(letter) => name.push(letter),
                        ':' => taken = true,
                        _ => {}
                    }
                }
                found.push((line, name));
            } else {
                found.push((line, rest.chars().take_while(|letter| is_word(*letter)).collect()));
            }
        }
    }
    found
}

#[test]
fn no_module_imports_one_that_stands_after_it() {
    let modules = modules();
    let place = |name: &str| modules.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources() {
        let Some(own) = place(&source.module) else { continue };
        for (line, name) in imports(&source) {
            let Some(other) = place(&name) else { continue };
            seen += 1;
            if other > own {
                wrong.push(format!("{}:{line}: {} imports {name}", source.path, source.module));
            }
        }
    }
    assert!(seen > 50, "only {seen} imports found: is the reader of sources broken?");
    assert!(wrong.is_empty(), "against the order of src/lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn statistics_journeys_and_models_are_pure() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.module.as_str())) {
        for (number, line) in source.code.iter().enumerate() {
            for name in IMPURE.iter().filter(|name| mentions(line, name).next().is_some()) {
                wrong.push(format!("{}:{}: {name}", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "no tables, files, clocks or threads here:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_prints() {
    let printing = ["print!", "println!", "eprint!", "eprintln!", "dbg!", "stdout(", "stderr("];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "cli") {
        for (number, line) in source.code.iter().enumerate() {
            for name in printing.iter().filter(|name| mentions(line, name).next().is_some()) {
                wrong.push(format!("{}:{}: {name}", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "only cli prints:\n{}", wrong.join("\n"));
}

#[test]
fn the_architecture_page_names_every_module_in_order() {
    let page = read("ARCHITECTURE.md");
    let headings: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert_eq!(headings, modules(), "a heading ### `name` per module of src/lib.rs, in its order");
}

#[test]
fn paths_named_in_the_pages_exist() {
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/glossary.md", "docs/methods.md"];
    let records = fs::read_dir(root().join("docs/decisions")).expect("decisions");
    let records = records
        .map(|entry| format!("docs/decisions/{}", entry.expect("an entry").file_name().to_string_lossy()));
    let mut missing = Vec::new();
    for page in pages.into_iter().map(str::to_owned).chain(records) {
        let text = read(&page);
        let here = root().join(&page);
        let folder = here.parent().expect("a folder");
        // Links, relative to the page.
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                missing.push(format!("{page}: link to {target}"));
            }
        }
        // Names in code that look like files of this repository.
        for name in text.split('`').skip(1).step_by(2) {
            let path = ["src/", "tests/", "docs/", "queries/", "sample-data/", ".ci/"]
                .iter()
                .any(|folder| name.starts_with(folder));
            let plain = !name.contains(|letter: char| " *<>…{".contains(letter));
            if path && plain && !name.starts_with("sample-data/out") && !root().join(name).exists() {
                missing.push(format!("{page}: `{name}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn tests_named_in_the_architecture_exist() {
    let page = read("ARCHITECTURE.md");
    let mut code = String::new();
    let mut paths = Vec::new();
    walk(&root().join("src"), &mut paths);
    walk(&root().join("tests"), &mut paths);
    for path in paths {
        code += &fs::read_to_string(path).expect("a source");
    }
    let mut missing = Vec::new();
    let mut named = 0;
    // In the table of invariants the last column names tests.
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        for name in cell.split('`').skip(1).step_by(2) {
            named += 1;
            if !code.contains(&format!("fn {name}(")) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(named > 10, "only {named} tests named");
    assert!(missing.is_empty(), "no such test: {}", missing.join(", "));
}

/// The first words after `touchline` or `-- ` in the code blocks of a page.
fn commands_of(page: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let blocks = text.split("```").skip(1).step_by(2).filter(|block| block.starts_with("sh\n"));
    let mut commands = Vec::new();
    for line in blocks.flat_map(|block| block.lines().skip(1)) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let words = line.strip_prefix("touchline ").or_else(|| {
            line.strip_prefix("cargo run").and_then(|rest| rest.split_once(" -- ")).map(|(_, words)| words)
        });
        commands.extend(words.map(|words| words.split_whitespace().map(str::to_owned).collect()));
    }
    commands
}

#[test]
fn every_command_in_the_readme_is_understood() {
    let commands = commands_of("README.md");
    assert!(commands.iter().any(|words| words.first().is_some_and(|word| word == "run")), "{commands:?}");
    for words in commands {
        let line = std::iter::once("touchline".to_owned()).chain(words.clone());
        if let Err(error) = touchline::cli::command().try_get_matches_from(line) {
            assert!(!error.use_stderr(), "touchline {}: {error}", words.join(" "));
        }
    }
}

#[test]
fn the_readme_lists_every_result_table_and_command() {
    let readme = read("README.md");
    let shipped = fs::read_dir(root().join("queries")).expect("queries").filter_map(|entry| {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        name.strip_suffix(".sql").map(str::to_owned)
    });
    let tables = touchline::tables::ALL.iter().map(|spec| spec.name.to_owned()).chain(shipped);
    for table in tables {
        assert!(readme.contains(&format!("| `{table}` |")), "README.md doesn't list {table}");
    }
    for command in touchline::cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(readme.contains(&format!("| `touchline {name}")), "README.md doesn't list {name}");
    }
}
