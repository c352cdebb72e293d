//! The options of a list, written as HTML in one go: lists of a hundred cards are then made by
//! the browser and not one call at a time.

/// Collects options.
#[derive(Default)]
pub(super) struct Options {
    html: String,
}

impl Options {
    /// Adds an option.
    pub(super) fn option(&mut self, value: &str, label: &str, selected: bool) {
        self.html.push_str("<option value=\"");
        self.escaped(value);
        self.html
            .push_str(if selected { "\" selected>" } else { "\">" });
        self.escaped(label);
        self.html.push_str("</option>");
    }

    /// Adds options under a heading.
    pub(super) fn group(&mut self, label: &str, fill: impl FnOnce(&mut Self)) {
        self.html.push_str("<optgroup label=\"");
        self.escaped(label);
        self.html.push_str("\">");
        fill(self);
        self.html.push_str("</optgroup>");
    }

    /// The HTML.
    pub(super) fn html(self) -> String {
        self.html
    }

    /// Names may come from an address or from a probe: none of them is HTML.
    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                other => self.html.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_html() {
        let mut options = Options::default();
        options.option("\"><script>", "a & <b>", true);
        options.group("<g>", |options| options.option("x", "x", false));
        assert_eq!(
            options.html(),
            "<option value=\"&quot;&gt;&lt;script&gt;\" selected>a &amp; &lt;b&gt;</option>\
             <optgroup label=\"&lt;g&gt;\"><option value=\"x\">x</option></optgroup>"
        );
    }
}
