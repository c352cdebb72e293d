//! Decoders of plain parts, most of 2025 and 2026: norms over each head and, as the case may be,
//! output gates, sinks, windows, and dense layers before those with experts.
//!
//! Source: the model classes of transformers 5.24.0.

use super::recipe::{Norms, OutputGate, Recipe};
use crate::source::hf::part::{Gate, QueryKeyNorm};

/// A decoder with a norm over each head of queries and keys.
const fn head_norms(model_types: &'static [&'static str], architecture: &'static str) -> Recipe {
    Recipe {
        norm: QueryKeyNorm::PerHead,
        ..Recipe::new(model_types, architecture)
    }
}

pub(super) const RECIPES: &[Recipe] = &[
    head_norms(&["mellum"], "mellum"),
    Recipe {
        selection_bias: true,
        ..head_norms(&["dots1"], "dots1")
    },
    Recipe {
        selection_bias: true,
        predicts: true,
        ..head_norms(&["hy_v3"], "hy_v3")
    },
    Recipe {
        selection_bias: true,
        predicts: true,
        ..head_norms(&["exaone_moe"], "exaone-moe")
    },
    Recipe {
        selection_bias: true,
        gate: Some(OutputGate::PerHead),
        ..head_norms(&["laguna"], "laguna")
    },
    Recipe {
        selection_bias: true,
        gate: Some(OutputGate::PerHead),
        ..head_norms(&["step3p5"], "step35")
    },
    Recipe {
        selection_bias: true,
        gate: Some(OutputGate::PerHead),
        flat_vocabulary: Some(128_815),
        ..head_norms(&["step3p7"], "step35")
    },
    Recipe {
        selection_bias: true,
        gate: Some(OutputGate::PerElement),
        norms: Norms::Around,
        ..head_norms(&["afmoe"], "afmoe")
    },
    Recipe {
        gate: Some(OutputGate::PerElement),
        norms: Norms::Around,
        ..head_norms(&["muse_glimmer_text", "muse_glimmer"], "muse-glimmer")
    },
    Recipe {
        sinks: true,
        ..Recipe::new(&["granite_swa", "granitemoe_swa"], "granite_swa")
    },
    Recipe {
        sinks: true,
        ..head_norms(&["flint"], "flint")
    },
    Recipe {
        norms: Norms::Around,
        ..head_norms(&["kolibri1"], "kolibri1")
    },
    Recipe {
        norm: QueryKeyNorm::Whole,
        norms: Norms::After,
        ..Recipe::new(&["flex_olmo"], "flex_olmo")
    },
    Recipe::new(&["aria_text", "aria"], "aria"),
    Recipe::new(&["cwm"], "llama"),
    Recipe {
        output_bias: false,
        ..Recipe::new(&["helium"], "helium")
    },
    Recipe {
        norms: Norms::Around,
        ..Recipe::new(&["hyperclovax"], "hyperclovax")
    },
    Recipe {
        norms: Norms::Shared,
        tied: true,
        ..Recipe::new(&["cohere2_moe"], "cohere2moe")
    },
    Recipe {
        layer_norm: true,
        network: Gate::None,
        biases: true,
        ..Recipe::new(&["jais2"], "jais2")
    },
    Recipe {
        norms: Norms::Weightless,
        network: Gate::None,
        ..Recipe::new(&["nanochat"], "nanochat")
    },
    Recipe {
        network: Gate::None,
        ..Recipe::new(&["cosmos3_edge_text"], "cosmos3_edge")
    },
    Recipe {
        norms: Norms::Around,
        network: Gate::Fused,
        ..Recipe::new(&["glm_ocr_text", "glm_ocr"], "glm4")
    },
    Recipe::new(&["granite_docling_text"], "granite"),
    Recipe::new(&["unlimited_ocr_text", "unlimited_ocr"], "deepseek2-ocr"),
    Recipe {
        tied: true,
        ..Recipe::new(&["vaultgemma"], "vaultgemma")
    },
    Recipe {
        selection_bias: true,
        fused: true,
        ..head_norms(&["sarvam_moe"], "bailingmoe2")
    },
    Recipe::new(&["deepseek"], "deepseek"),
    Recipe {
        added_rows: Some("additional_vocab_size"),
        ..head_norms(&["molmo2_text", "molmo2"], "molmo2")
    },
    Recipe {
        norm_ranks: Some(32),
        tied: true,
        ..Recipe::new(&["voxtral_realtime_text"], "voxtral_realtime")
    },
];
