//! What a query may be: a single SELECT over the core tables that gives the same rows every time.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, Query, Select, SetExpr, Spanned, Statement, TableFactor, Visit,
    Visitor, WindowType,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::error::QueryError;
use crate::config::nearest::most_alike;
use crate::tables;

/// Functions whose result is another one every time.
const UNSTABLE: [&str; 12] = [
    "current_date",
    "current_time",
    "current_timestamp",
    "gen_random_uuid",
    "getdate",
    "localtime",
    "localtimestamp",
    "now",
    "rand",
    "random",
    "today",
    "uuid",
];

/// Aggregates that collect text or lists: over a window Polars ignores the partition.
const COLLECTING: [&str; 5] = ["array_agg", "group_concat", "list", "listagg", "string_agg"];

/// Aggregates whose default frame differs between Polars (rows) and DuckDB (ties together).
const FRAMED: [&str; 12] = [
    "avg", "bool_and", "bool_or", "count", "max", "median", "min", "product", "stddev", "sum", "var",
    "variance",
];

/// What a statement must satisfy; returns whether it orders its rows.
pub(super) fn check(file: &str, sql: &str) -> Result<bool, QueryError> {
    let statement = parse(file, sql)?;
    let Statement::Query(query) = &statement else {
        return Err(not_a_select(file, Some((1, 1)), "another statement"));
    };
    let mut walk = Walk { file, common: BTreeSet::new(), relations: Vec::new() };
    if let ControlFlow::Break(error) = statement.visit(&mut walk) {
        return Err(*error);
    }
    for (name, parts, span) in &walk.relations {
        let known = walk.common.contains(&name.to_lowercase()) || tables::spec(name).is_some();
        if *parts != 1 || !known {
            let place = position(*span).or_else(|| find_word(sql, name));
            return Err(unknown_table(file, name, *parts, &walk.common).at(place));
        }
    }
    Ok(query.order_by.is_some())
}

/// Names of the core tables that a checked statement reads, each once.
pub(super) fn core_tables(file: &str, sql: &str) -> Result<BTreeSet<String>, QueryError> {
    let statement = parse(file, sql)?;
    let mut walk = Walk { file, common: BTreeSet::new(), relations: Vec::new() };
    if let ControlFlow::Break(error) = statement.visit(&mut walk) {
        return Err(*error);
    }
    Ok(walk
        .relations
        .into_iter()
        .map(|(name, ..)| name)
        .filter(|name| tables::spec(name).is_some())
        .collect())
}

/// Where a name stands first.
pub(super) fn find_word(sql: &str, name: &str) -> Option<(u64, u64)> {
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize_with_location().ok()?;
    tokens
        .iter()
        .find(|token| match &token.token {
            Token::Word(word) => word.value.eq_ignore_ascii_case(name),
            Token::SingleQuotedString(text) => text == name,
            _ => false,
        })
        .and_then(|token| position(token.span))
}

fn parse(file: &str, sql: &str) -> Result<Statement, QueryError> {
    let tokens = Tokenizer::new(&GenericDialect, sql)
        .tokenize_with_location()
        .map_err(|error| QueryError::new(file, error.message.clone()).at(location(error.location)))?;
    let mut code = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let Some(first) = code.next() else {
        return Err(
            QueryError::new(file, "it holds no statement").hint("write one SELECT over the result tables")
        );
    };
    let selects = match &first.token {
        Token::Word(word) => matches!(word.keyword, Keyword::SELECT | Keyword::WITH),
        token => *token == Token::LParen,
    };
    if !selects {
        return Err(not_a_select(file, position(first.span), &first.token.to_string()));
    }
    // Where a second statement would start.
    let second = code
        .skip_while(|token| token.token != Token::SemiColon)
        .find(|token| token.token != Token::SemiColon);
    if let Some(second) = second {
        return Err(QueryError::new(file, "it holds more than one statement")
            .at(position(second.span))
            .hint("one file is one table: move the second statement into a file of its own"));
    }
    let statements = Parser::new(&GenericDialect)
        // As Polars parses it.
        .with_options(ParserOptions { trailing_commas: true, ..ParserOptions::default() })
        .with_tokens_with_locations(without_eof(&tokens))
        .parse_statements()
        .map_err(|error| {
            let error = syntax_error(file, &error);
            // Without a place it is the end that came too early.
            let end =
                tokens.iter().rev().find(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
            let place = error.position.or_else(|| location(end?.span.end));
            error.at(place)
        })?;
    statements.into_iter().next().ok_or_else(|| QueryError::new(file, "it holds no statement"))
}

fn without_eof(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    tokens.iter().filter(|token| token.token != Token::EOF).cloned().collect()
}

fn syntax_error(file: &str, error: &ParserError) -> QueryError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
    };
    let Some((message, place)) = text.rsplit_once(" at Line: ") else { return QueryError::new(file, text) };
    let position = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.trim().parse().ok()?, column.trim().parse().ok()?)));
    QueryError::new(file, message).at(position)
}

fn not_a_select(file: &str, position: Option<(u64, u64)>, found: &str) -> QueryError {
    QueryError::new(file, format!("only a SELECT can be a table, found {found}"))
        .at(position)
        .hint("start with SELECT or WITH; the result is written for you")
}

fn unknown_table(file: &str, name: &str, parts: usize, common: &BTreeSet<String>) -> QueryError {
    let names = || tables::ALL.iter().map(|spec| spec.name);
    let error = QueryError::new(file, format!("there is no table {name}"));
    if name.contains(['/', '.', '*']) && parts == 1 {
        return error.hint("queries read result tables, not files");
    }
    let exist = names().collect::<Vec<_>>().join(", ");
    match most_alike(name, names().chain(common.iter().map(String::as_str))) {
        Some(near) => error.hint(format!("did you mean {near}? There are: {exist}")),
        None => error.hint(format!("there are: {exist}")),
    }
}

fn location(location: Location) -> Option<(u64, u64)> {
    (location.line > 0).then_some((location.line, location.column))
}

fn position(span: Span) -> Option<(u64, u64)> {
    location(span.start)
}

/// Looks at every part of the statement.
struct Walk<'a> {
    file: &'a str,
    /// Names of common table expressions, lower case.
    common: BTreeSet<String>,
    /// Last part of the name, number of parts, place.
    relations: Vec<(String, usize, Span)>,
}

impl Walk<'_> {
    fn refuse(
        &self,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ControlFlow<Box<QueryError>> {
        ControlFlow::Break(Box::new(QueryError::new(self.file, message).at(position(span)).hint(hint)))
    }

    fn function(&self, function: &Function) -> ControlFlow<Box<QueryError>> {
        let name = last_part(&function.name).to_lowercase();
        let span = function.name.span();
        if UNSTABLE.contains(&name.as_str()) {
            return self.refuse(
                span,
                format!("{name} gives another result every time"),
                "a result depends on its inputs alone; window_from and window_to say which time it is about",
            );
        }
        if reads_files(&name) {
            return self.refuse(
                span,
                format!("{name} is not allowed"),
                "queries read result tables, not files",
            );
        }
        let Some(WindowType::WindowSpec(window)) = &function.over else { return ControlFlow::Continue(()) };
        if COLLECTING.contains(&name.as_str()) {
            return self.refuse(
                span,
                format!("{name} over a window ignores its partition"),
                "use it with GROUP BY in a subquery and join the result",
            );
        }
        if FRAMED.contains(&name.as_str()) && !window.order_by.is_empty() && window.window_frame.is_none() {
            return self.refuse(
                span,
                format!("a running {name} needs its frame: engines differ on rows that tie"),
                "add ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
            );
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Walk<'_> {
    type Break = Box<QueryError>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if let Some(with) = &query.with {
            if with.recursive {
                return self.refuse(
                    with.span(),
                    "WITH RECURSIVE is not supported",
                    "write the steps as CTEs of their own",
                );
            }
            self.common.extend(with.cte_tables.iter().map(|cte| cte.alias.name.value.to_lowercase()));
        }
        if matches!(
            *query.body,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
        ) {
            return self.refuse(
                query.span(),
                "a query changes nothing",
                "write one SELECT over the result tables",
            );
        }
        if (query.limit_clause.is_some() || query.fetch.is_some()) && query.order_by.is_none() {
            return self.refuse(
                query.span(),
                "LIMIT without ORDER BY takes any rows",
                "add ORDER BY with columns that tell all rows apart",
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        if let Some(into) = &select.into {
            return self.refuse(
                into.name.span(),
                "SELECT INTO is not allowed",
                "the result is written for you",
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        let hint = "queries read result tables, not files";
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => self
                .refuse(name.span(), format!("the table function {} is not allowed", last_part(name)), hint),
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { .. } => ControlFlow::Continue(()),
            other => self.refuse(other.span(), format!("{other} can't be read from"), hint),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
        self.relations.push((last_part(relation), relation.0.len(), relation.span()));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Self::Break> {
        match expression {
            Expr::Function(function) => self.function(function),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Whether a function of this name reads files in Polars or DuckDB.
fn reads_files(name: &str) -> bool {
    name.starts_with("read_") || name.ends_with("_scan") || matches!(name, "glob" | "sniff_csv" | "getenv")
}

fn last_part(name: &ObjectName) -> String {
    let ident: Option<&Ident> = name.0.last().and_then(|part| part.as_ident());
    ident.map_or_else(|| name.to_string(), |ident| ident.value.clone())
}
