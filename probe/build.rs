//! With the feature `page`: hashes of the scripts that stand in the page's HTML, which its
//! content security policy has to name.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "page")]
    page::hash_scripts();
}

#[cfg(feature = "page")]
mod page {
    use sha2::{Digest, Sha256};

    const INDEX: &str = "../dist/index.html";

    pub(crate) fn hash_scripts() {
        println!("cargo:rerun-if-changed=../dist");
        let Ok(html) = std::fs::read_to_string(INDEX) else {
            println!(
                "cargo:error=the page has not been built, build it first: cargo xtask build, or trunk build"
            );
            return;
        };
        let hashes: String = inline_scripts(&html)
            .map(|script| format!(" 'sha256-{}'", base64(&Sha256::digest(script))))
            .collect();
        println!("cargo:rustc-env=PAGE_SCRIPT_HASHES={hashes}");
    }

    /// The text of every `<script>` that has no `src`.
    fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
        html.split("<script").skip(1).filter_map(|rest| {
            let (attributes, rest) = rest.split_once('>')?;
            let (script, _) = rest.split_once("</script")?;
            (!attributes.contains("src=")).then_some(script)
        })
    }

    fn base64(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let group = chunk
                .iter()
                .fold(0_usize, |group, &byte| group << 8 | usize::from(byte))
                << (8 * (3 - chunk.len()));
            for position in 0..4 {
                text.push(if position <= chunk.len() {
                    char::from(ALPHABET[group >> (18 - 6 * position) & 63])
                } else {
                    '='
                });
            }
        }
        text
    }
}
