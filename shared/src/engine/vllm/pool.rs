//! Layers into groups that share one pool of blocks.
//!
//! Source: vLLM 0.33.0, `v1/core/kv_cache_planning.py` (`get_kv_cache_groups`).

use alloc::vec::Vec;

use super::page::{Kind, LayerPage, Page};
use super::settings::Vllm;
use crate::engine::EngineError;
use crate::model::Model;

/// Layers that take the same blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// The page of its layers; where several shapes share the group, that of the first.
    pub(super) page: Page,
    /// Index of each layer in the model, and bytes of its page.
    pub(super) layers: Vec<(usize, u64)>,
}

/// Puts the layers' pages into groups.
pub(super) fn groups(
    settings: &Vllm,
    model: &Model,
    mut pages: Vec<LayerPage>,
) -> Result<Vec<Group>, EngineError> {
    if !settings.hybrid_kv_cache_manager {
        promote(&mut pages, model)?;
    }
    if is_uniform(&pages) {
        return Ok(one_group(&pages));
    }
    let mut unified = pages.clone();
    if unify_pages(&mut unified)? {
        return Ok(split(&unified));
    }
    // Latents beside windows whose pages do not match: windows keep everything.
    promote(&mut pages, model)?;
    Ok(one_group(&pages))
}

fn one_group(pages: &[LayerPage]) -> Vec<Group> {
    let group = pages.first().map(|first| Group {
        page: first.page,
        layers: pages
            .iter()
            .map(|entry| (entry.layer, entry.page.bytes))
            .collect(),
    });
    Vec::from_iter(group)
}

/// Whether all layers always need the same blocks.
fn is_uniform(pages: &[LayerPage]) -> bool {
    let Some(first) = pages.first() else {
        return true;
    };
    pages.iter().all(|entry| {
        let same_pages = match first.page.kind {
            Kind::State { .. } => entry.page.bytes == first.page.bytes,
            _ => true,
        };
        same_pages
            && entry.page.kind == first.page.kind
            && entry.page.block_size == first.page.block_size
    })
}

/// Makes layers with a window or chunks keep everything, where others do.
fn promote(pages: &mut [LayerPage], model: &Model) -> Result<(), EngineError> {
    if is_uniform(pages) {
        return Ok(());
    }
    let full = pages
        .iter()
        .find(|entry| entry.page.kind == Kind::Full)
        .map(|entry| entry.page.block_size);
    if let Some(block_size) = full {
        for entry in pages.iter_mut() {
            let page = &mut entry.page;
            if matches!(page.kind, Kind::Sliding { .. } | Kind::Chunked { .. }) {
                let bytes = page.bytes / page.block_size.max(1);
                page.bytes = bytes.checked_mul(block_size).ok_or(EngineError::TooLarge)?;
                page.block_size = block_size;
                page.kind = Kind::Full;
            }
        }
    }
    if is_uniform(pages) {
        Ok(())
    } else {
        Err(EngineError::NeedsHybridCacheManager {
            architecture: model.architecture.clone(),
        })
    }
}

/// Makes all pages as large as the largest, by longer blocks where that divides and by padding
/// where not; false where neither is possible.
fn unify_pages(pages: &mut [LayerPage]) -> Result<bool, EngineError> {
    let largest = pages.iter().map(|entry| entry.page.bytes).max();
    let largest = largest.unwrap_or(0);
    for entry in pages {
        let page = &mut entry.page;
        if page.bytes == largest || page.bytes == 0 {
            continue;
        }
        let is_state = matches!(page.kind, Kind::State { .. });
        if !is_state && largest.is_multiple_of(page.bytes) {
            page.block_size = page
                .block_size
                .checked_mul(largest / page.bytes)
                .ok_or(EngineError::TooLarge)?;
        } else if !page.shape.can_be_padded() {
            return Ok(false);
        }
        page.bytes = largest;
    }
    Ok(true)
}

/// Cuts each kind of layers into groups of about as many layers as the rarest kind has, layers
/// in turn, so that stages of a pipeline have some of each.
fn split(pages: &[LayerPage]) -> Vec<Group> {
    let mut kinds: Vec<(Page, Vec<(usize, u64)>)> = Vec::new();
    for entry in pages {
        let layer = (entry.layer, entry.page.bytes);
        match kinds.iter_mut().find(|(page, _)| *page == entry.page) {
            Some((_, layers)) => layers.push(layer),
            None => kinds.push((entry.page, Vec::from([layer]))),
        }
    }
    let counts = || kinds.iter().map(|(_, layers)| layers.len());
    let (fewest, most) = (counts().min().unwrap_or(1), counts().max().unwrap_or(1));
    // Less than half as many again: rather pad the rarer kind.
    let size = if most * 2 < fewest * 3 { most } else { fewest };
    let mut groups = Vec::new();
    for (page, layers) in kinds {
        let parts = layers.len().div_ceil(size.max(1));
        for part in 0..parts {
            groups.push(Group {
                page,
                layers: layers.iter().skip(part).step_by(parts).copied().collect(),
            });
        }
    }
    groups
}
