//! Rules of thumb by which other calculators say what a model takes on a GPU, each as it is
//! published.

use shared::model::{Attention, Model};

/// A rule.
pub struct Rule {
    /// Who gives it.
    pub name: &'static str,
    /// The rule in one line.
    pub formula: &'static str,
    /// Where it is given.
    pub source: &'static str,
    /// Bytes for a model with this context and an f16 cache.
    pub bytes: fn(&Model, u64) -> u64,
}

/// All of them.
pub const RULES: [Rule; 3] = [
    Rule {
        name: "P × Q/8 × 1.2",
        formula: "parameters × bits / 8 × 1.2",
        source: "Substratus, “Calculating GPU memory for serving LLMs”",
        bytes: |model, _| model.weights_bytes() / 10 * 12,
    },
    Rule {
        name: "NyxKrage",
        formula: "file + 4 × L × ctx × d × kv_heads/heads + ubatch × (d + ctx) + (ctx/1024 × 2 + 0.75) × heads MiB",
        source: "LLM-Model-VRAM-Calculator (Hugging Face Space)",
        bytes: |model, context| {
            let shape = Shape::of(model);
            let cache = 4 * shape.layers * context * shape.kv_width();
            let input = 512 * (model.embedding_length + context + 3) + context;
            let compute = (context * 2 + 768) * shape.heads * 1024;
            model.weights_bytes() + cache + input + compute
        },
    },
    Rule {
        name: "Ollama",
        formula: "file + 4 × L × ctx × d/heads × kv_heads",
        source: "Ollama 0.34, `llm/llama_server.go` (`PredictServerVRAM`)",
        bytes: |model, context| {
            let shape = Shape::of(model);
            model.weights_bytes() + 4 * shape.layers * context * shape.kv_width()
        },
    },
];

/// What the rules know of a model: one number of heads for all layers.
struct Shape {
    layers: u64,
    width: u64,
    heads: u64,
    kv_heads: u64,
}

impl Shape {
    fn of(model: &Model) -> Self {
        let heads = model.layers.iter().find_map(|layer| match layer.attention {
            Attention::Heads(heads) => Some((heads.query_heads, heads.kv_heads)),
            Attention::Latent(latent) => Some((latent.query_heads, latent.query_heads)),
            Attention::None => None,
        });
        let (heads, kv_heads) = heads.unwrap_or((1, 1));
        Self {
            layers: model.layers.len() as u64,
            width: model.embedding_length,
            heads: heads.max(1),
            kv_heads: kv_heads.max(1),
        }
    }

    /// Elements of a layer's keys, the head size taken as width over heads.
    fn kv_width(&self) -> u64 {
        self.width / self.heads * self.kv_heads
    }
}
