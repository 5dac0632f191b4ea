//! `touchline completions` and `touchline man`: the command line as shells and `man` read it.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::command;
use super::console::Console;
use super::diagnostics::Failure;

/// What stands at the end of the page; every code of the contract.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
0
published, or the same result was published before
.TP
64
usage
.TP
65
the data broke the contract, or the books don't close
.TP
66
an input is missing, or no row lies in the window
.TP
70
a bug; nothing was published
.TP
74
the disk or the system failed; try again
.TP
75
another run holds the output, or an input changed while it was read; try again
.TP
78
configuration or query
.TP
99
no input rows, with \-\-on\-empty skip
.TP
130, 143
interrupted, terminated; nothing was published
"#;

/// Writes the completions for a shell to standard output.
pub(super) fn completions(shell: Shell, console: &Console) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "touchline", &mut text);
    console.answer(&String::from_utf8_lossy(&text))
}

/// Writes the manual page to standard output.
pub(super) fn man(console: &Console) -> Result<(), Failure> {
    let mut page = Vec::new();
    render(&mut page).map_err(|error| Failure::of(&error, 70, None))?;
    console.answer(&String::from_utf8_lossy(&page))
}

/// One page for all commands: those who look for an option search one text.
fn render(page: &mut Vec<u8>) -> io::Result<()> {
    let mut whole = command();
    whole.build();
    let man = Man::new(whole.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    page.extend_from_slice(b".SH COMMANDS\n");
    for subcommand in whole.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        render_command(page, subcommand)?;
    }
    page.extend_from_slice(EXIT_STATUS.as_bytes());
    Ok(())
}

/// A command as a subsection: its sections are paragraphs there.
fn render_command(page: &mut Vec<u8>, subcommand: &Command) -> io::Result<()> {
    writeln!(page, ".SS \"touchline {}\"", subcommand.get_name())?;
    let man = Man::new(subcommand.clone());
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    for line in String::from_utf8_lossy(&text).lines() {
        match line.strip_prefix(".SH ") {
            Some(_) => writeln!(page, ".PP")?,
            None => writeln!(page, "{line}")?,
        }
    }
    Ok(())
}
