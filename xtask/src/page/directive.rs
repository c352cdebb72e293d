//! Directives in `index.html`: `<link data-trunk rel="…" href="…">`, the ones that Trunk reads too.

/// One directive with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive<'a> {
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Directive<'a> {
    /// The value of an attribute; empty for one without a value.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes
            .iter()
            .find(|(key, _)| *key == name)
            .map(|&(_, value)| value)
    }
}

/// Replaces every directive by what `substitute` makes of it, and leaves all else as it is.
pub(super) fn replace<E>(
    html: &str,
    mut substitute: impl FnMut(&Directive<'_>) -> Result<String, E>,
) -> Result<String, E> {
    let mut result = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        result.push_str(before);
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|end| end + 3)
        } else {
            tag_end(tag)
        };
        let (tag, after) = tag.split_at(end.unwrap_or(tag.len()));
        match parse(tag) {
            Some(directive) => result.push_str(&substitute(&directive)?),
            None => result.push_str(tag),
        }
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

/// Where the tag ends: at the first `>` outside quotation marks.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (index, character) in tag.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(index + 1),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

fn parse(tag: &str) -> Option<Directive<'_>> {
    let inside = tag.strip_prefix("<link")?.strip_suffix('>')?;
    let attributes = attributes(inside.strip_suffix('/').unwrap_or(inside));
    let directive = Directive { attributes };
    directive.attribute("data-trunk").map(|_| directive)
}

fn attributes(mut text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        let Some(length) = text.find(|c: char| c == '=' || c.is_whitespace()) else {
            if !text.is_empty() {
                found.push((text, ""));
            }
            return found;
        };
        let (name, after) = text.split_at(length);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            found.push((name, ""));
            text = after;
            continue;
        };
        let value = value.trim_start();
        let quoted = ['"', '\'']
            .into_iter()
            .find_map(|mark| value.strip_prefix(mark)?.split_once(mark));
        let (value, after) = quoted.unwrap_or_else(|| {
            value.split_at(value.find(char::is_whitespace).unwrap_or(value.len()))
        });
        found.push((name, value));
        text = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(html: &str) -> (String, Vec<(String, String)>) {
        let mut seen = Vec::new();
        let result = replace(html, |directive| {
            let text = |name| directive.attribute(name).unwrap_or("-").to_owned();
            seen.push((text("rel"), text("href")));
            Ok::<_, ()>("[here]".to_owned())
        });
        (result.unwrap(), seen)
    }

    #[test]
    fn directives_are_replaced_and_the_rest_stays() {
        let html = "<p a='>'>x</p>\n<link data-trunk rel=\"css\" href='a b.css' />\n<link rel=icon href=x>é";
        let (result, seen) = seen(html);
        assert_eq!(result, "<p a='>'>x</p>\n[here]\n<link rel=icon href=x>é");
        assert_eq!(seen, [("css".to_owned(), "a b.css".to_owned())]);
    }

    #[test]
    fn comments_hide_directives() {
        let html =
            "<!-- <link data-trunk rel=css href=a> --><link\n  rel=css data-trunk\n href=b\n>";
        let (result, seen) = seen(html);
        assert!(result.ends_with("-->[here]"), "{result}");
        assert_eq!(seen, [("css".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn an_open_tag_at_the_end_is_text() {
        assert_eq!(
            seen("a <link data-trunk rel=\"css").0,
            "a <link data-trunk rel=\"css"
        );
    }
}
