//! Columns for the terminal.

use std::fmt;

use super::terminal::ASIDE;

/// Which side a column is set against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells, each column as wide as its widest cell.
pub(crate) struct Table {
    columns: Vec<Align>,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: &[Align]) -> Self {
        Self {
            columns: columns.to_vec(),
            head: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The names of the columns.
    pub(crate) fn head(&mut self, names: &[&str]) {
        self.head = names.iter().copied().map(String::from).collect();
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.columns.len())
            .map(|column| {
                self.rows
                    .iter()
                    .chain([&self.head])
                    .filter_map(|row| row.get(column))
                    .map(|cell| width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, &column_width), align) in cells.iter().zip(widths).zip(&self.columns) {
            let padding = " ".repeat(column_width.saturating_sub(width(cell)));
            line.push_str("  ");
            match align {
                Align::Left => line.extend([cell, padding.as_str()]),
                Align::Right => line.extend([padding.as_str(), cell]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let head = self.line(&self.head, &widths);
        write!(formatter, "{ASIDE}{head}{ASIDE:#}")?;
        for row in &self.rows {
            write!(formatter, "\n{}", self.line(row, &widths))?;
        }
        Ok(())
    }
}

/// Columns of a terminal that a text takes: two for each character of East Asian scripts.
fn width(text: &str) -> usize {
    text.chars()
        .map(|character| match character {
            '\u{1100}'..='\u{115f}'
            | '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}'
            | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}' => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[Align::Left, Align::Right]);
        table.head(&["名前", "n"]);
        table.row(vec!["a".into(), "100".into()]);
        let text = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(text, "  名前    n\n  a     100");
    }
}
