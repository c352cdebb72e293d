//! Bytes of packed matrices on a rank, which packs its own part.
//!
//! Source: vLLM 0.33.0, `layers/quantization` (`fp8.py`, `mxfp4.py`, `modelopt.py`, `auto_gptq.py`,
//! `compressed_tensors`), `layers/fused_moe`, and the parameters that it creates as measured.

use super::page::rank_kv_heads;
use super::settings::Vllm;
use super::weights::{EXPERT_PADDING, Share, VOCABULARY_PADDING, fused, share, sums_over_ranks};
use crate::model::{Layer, Tensor};
use crate::quant::{Fp8, Linear, Mxfp4, Packing, ScaleOf, TensorType};

/// How a tensor's matrices are packed, where they are.
pub(super) fn packing(tensor: &Tensor) -> Option<Packing> {
    match (tensor.tensor_type, tensor.packing) {
        (TensorType::Mxfp4, _) => Some(Packing::Mxfp4(Mxfp4)),
        // The keys of an indexer are one product with its weights, which are never packed.
        (_, Some(_)) if tensor.name.contains(".indexer.attn_k.") => None,
        (_, packing) => packing,
    }
}

/// Bytes of packed matrices on one rank, each packed by itself: the engine loads no order of
/// channels.
pub(super) fn rank_bytes(
    settings: &Vllm,
    tensor: &Tensor,
    packing: Packing,
    (base, layer): (&str, Option<&Layer>),
) -> Option<u64> {
    let ranks = settings.tensor_parallel_size.max(1);
    let Linear {
        mut input,
        mut output,
        count,
    } = Linear::of(tensor);
    let part = |extent: u64| {
        let part = extent.div_ceil(ranks);
        match packing {
            Packing::Mxfp4(_) => part.checked_next_multiple_of(EXPERT_PADDING),
            _ => Some(part),
        }
    };
    match share(base, layer, ranks) {
        Share::Whole => {}
        Share::Part if sums_over_ranks(base) => input = part(input)?,
        Share::Part => output = part(output)?,
        Share::KvHeads(heads) => {
            output =
                (output / heads.kv_heads.max(1)).checked_mul(rank_kv_heads(settings, &heads))?;
        }
        Share::Fused(heads) => {
            let (all, own) = fused(settings, &heads)?;
            output = output.checked_mul(own)?.checked_div(all)?;
        }
        Share::Channels { repeated } => output = output.checked_add(repeated)? / ranks,
        Share::Vocabulary => {
            output = output
                .checked_next_multiple_of(VOCABULARY_PADDING)?
                .div_ceil(ranks);
        }
    }
    let narrower = if sums_over_ranks(base) { input } else { output };
    let parts = match packing {
        Packing::Fp8(format) if count > 1 => Packing::Fp8(smaller_blocks(format, narrower)),
        _ => packing,
    }
    .parts(input, output)?;
    parts.total().checked_sub(parts.order)?.checked_mul(count)
}

/// Blocks of experts that divide their width on a rank.
fn smaller_blocks(format: Fp8, width: u64) -> Fp8 {
    let ScaleOf::Block { rows, columns } = format.scale else {
        return format;
    };
    let (mut divisor, mut rest) = (width, u64::from(rows));
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let side = u32::try_from(divisor).unwrap_or(rows).clamp(1, rows.max(1));
    Fp8 {
        scale: ScaleOf::Block {
            rows: side,
            columns: side.min(columns),
        },
        ..format
    }
}
