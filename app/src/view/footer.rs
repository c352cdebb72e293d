//! The bottom of the page: where the numbers come from.

use leptos::prelude::*;
use shared::text::Language;

use super::Page;

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

pub(super) fn footer(page: Page) -> impl IntoView {
    let text = page.text;
    let results = match page.language {
        Language::Ja => "docs/benchmark_results.md",
        Language::En => "docs/benchmark_results_en.md",
    };
    view! {
        <footer>
            <h2>{text.sources}</h2>
            <ul>
                <li>{text.sources_exact}</li>
                <li>{text.sources_estimated}</li>
                <li>
                    {text.sources_error} " "
                    <a href=format!("{REPOSITORY}/blob/main/{results}")>
                        {text.sources_error_link}
                    </a>
                </li>
                <li>{text.sources_left_out}</li>
                <li>{text.sources_private}</li>
            </ul>
            <p>
                <a href=REPOSITORY>{text.source_code}</a>
                " · MIT · " {env!("CARGO_PKG_VERSION")}
            </p>
        </footer>
    }
}
