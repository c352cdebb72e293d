//! What the pools hold: tokens, recurrent states, requests.
//!
//! Source: SGLang 0.5.23, `mem_cache/kv_cache_configurator.py` (`_profile_available_bytes`,
//! `_handle_max_mamba_cache`, `resolve_max_num_reqs`), `model_executor/pool_configurator.py`. The
//! engine reckons in GiB and in double precision; so does this, to the same byte.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the engine's own arithmetic; sizes far below 2^53"
)]

use super::cell::Cell;
use super::settings::Sglang;

const GIB: f64 = 1_073_741_824.0;
/// Requests at once where nothing else bounds them: at least and at most.
const REQUESTS: (u64, u64) = (2_048, 4_096);
/// Requests for each full context that fits.
const REQUESTS_OF_CONTEXT: f64 = 512.0;
/// Binary places of a cell that are told apart.
const PLACES: u32 = 33;

/// The memory that is left when the weights are there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Free {
    /// Bytes free before the weights were loaded.
    pub(super) before: u64,
    /// Bytes free after it.
    pub(super) after: u64,
    /// The share of `before` that weights and caches may take.
    pub(super) fraction: f64,
    /// Bytes kept for images.
    pub(super) for_images: u64,
}

/// What the pools hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pools {
    /// Tokens in layers that keep all of them.
    pub(super) tokens: u64,
    /// Tokens in layers with a window.
    pub(super) window_tokens: u64,
    /// Recurrent states, without the one that pads.
    pub(super) states: u64,
}

/// How large pools are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// Bytes of a token.
    pub(super) cell: Cell,
    /// Bytes of a state of all layers; 0 where there is none.
    pub(super) state_bytes: u64,
    /// States that a request holds.
    pub(super) slots: u64,
    /// Tokens of a page.
    pub(super) page: u64,
    /// Tokens of a chunk of a prompt.
    pub(super) chunk: u64,
}

impl Free {
    /// GiB left for pools; negative where the weights take more than the share.
    fn rest(self) -> f64 {
        let slack = self.before as f64 / GIB * (1.0 - self.fraction);
        self.after as f64 / GIB - slack - self.for_images as f64 / GIB
    }
}

impl Cut {
    /// The tokens of a window's pool where the others hold `tokens`.
    fn window_tokens(&self, settings: &Sglang, tokens: u64) -> u64 {
        let shorter = (tokens as f64 * settings.swa_full_tokens_ratio.as_f64()) as u64;
        self.down_to_page(shorter)
    }

    fn down_to_page(&self, tokens: u64) -> u64 {
        tokens / self.page.max(1) * self.page.max(1)
    }

    /// Bytes of so many tokens that fill whole pages, windows at their ratio.
    pub(super) fn bytes(&self, settings: &Sglang, tokens: u64) -> Option<u64> {
        let tokens = tokens.checked_next_multiple_of(self.page.max(1))?;
        let scaled = u128::from(tokens) * self.scaled(settings);
        u64::try_from(scaled.div_ceil(1 << PLACES)).ok()
    }

    /// Bytes of a token as the engine has them, with so many binary places.
    fn scaled(&self, settings: &Sglang) -> u128 {
        let windowed = settings.swa_full_tokens_ratio.as_f64() * self.cell.windowed as f64;
        let cell = self.cell.full as f64 + windowed;
        // Exact: a product with a power of two of a number from 1 to 2^52.
        (cell * (1_u64 << PLACES) as f64) as u128
    }

    /// Bytes of the pools, with the page and the state that pad them.
    pub(super) fn pool_bytes(&self, pools: Pools) -> Option<u64> {
        let full = pools.tokens.checked_add(self.page)?;
        let full = full.checked_mul(self.cell.full)?;
        let windowed = match self.cell.windowed {
            0 => 0,
            bytes => pools
                .window_tokens
                .checked_add(self.page)?
                .checked_mul(bytes)?,
        };
        let states = match self.state_bytes {
            0 => 0,
            bytes => pools.states.checked_add(1)?.checked_mul(bytes)?,
        };
        full.checked_add(windowed)?.checked_add(states)
    }

    /// The pools that fit in what is free; `None` where the engine refuses to start.
    pub(super) fn pools(&self, settings: &Sglang, free: Free) -> Option<Pools> {
        let mut rest = free.rest();
        let mut states = 0;
        if self.state_bytes > 0 {
            states = self.states(settings, rest)?;
            let taken = (states + 1) as f64 * self.state_bytes as f64;
            rest -= taken / GIB;
        }
        if rest <= 0.0 {
            return None;
        }
        let available = (rest * GIB) as u64;
        let mut tokens = if self.cell.windowed > 0 && self.fixed_window(settings).is_some() {
            let window = self.fixed_window(settings)?;
            let fixed = window.checked_mul(self.cell.windowed)?;
            available.checked_sub(fixed)?.checked_div(self.cell.full)?
        } else {
            let cell = self.scaled(settings);
            let tokens = (u128::from(available) << PLACES).checked_div(cell)?;
            u64::try_from(tokens).ok()?
        };
        if let Some(most) = settings.max_total_tokens {
            tokens = tokens.min(most);
        }
        let tokens = self.down_to_page(tokens);
        if tokens == 0 {
            return None;
        }
        let window_tokens = match self.fixed_window(settings) {
            _ if self.cell.windowed == 0 => 0,
            Some(window) => window,
            None => {
                let window = self.window_tokens(settings, tokens);
                // A request needs a window and a page there.
                if window <= self.cell.window.checked_add(self.page)? {
                    return None;
                }
                window
            }
        };
        Some(Pools {
            tokens,
            window_tokens,
            states,
        })
    }

    /// Tokens of a window's pool where it is sized for the requests asked for: what they may hold
    /// between two evictions, and the chunks in flight.
    fn fixed_window(&self, settings: &Sglang) -> Option<u64> {
        /// Steps of decoding between evictions.
        const EVICTION: u64 = 128;
        const CHUNKS: u64 = 2;
        let requests = settings.max_running_requests?;
        if settings.radix_cache || self.cell.full == 0 {
            return None;
        }
        let trailing = self.cell.window.checked_add(EVICTION + self.page)?;
        let request = trailing.checked_add(self.page)?;
        request
            .checked_mul(requests.max(1))?
            .checked_add(self.chunk.checked_mul(CHUNKS)?)?
            .checked_add(self.page)?
            .checked_next_multiple_of(self.page.max(1))
    }

    /// Recurrent states; `None` where not one fits.
    fn states(&self, settings: &Sglang, rest: f64) -> Option<u64> {
        let states = match (settings.max_mamba_cache_size, settings.max_running_requests) {
            (Some(asked), _) => asked,
            (None, Some(requests)) if !settings.radix_cache => requests.max(1),
            _ => {
                let ratio = settings.mamba_full_memory_ratio.as_f64();
                let budget = rest * ratio / (1.0 + ratio) * GIB;
                let state = self.state_bytes as f64;
                let states = (budget - state) / state;
                if states < 1.0 {
                    return None;
                }
                states as u64
            }
        };
        (states > 0).then_some(states)
    }

    /// Requests at once where each may be of this length.
    pub(super) fn requests(&self, settings: &Sglang, pools: Pools, length: u64) -> u64 {
        let (least, most) = REQUESTS;
        let contexts = pools.tokens as f64 / length.max(1) as f64;
        let estimated = ((contexts * REQUESTS_OF_CONTEXT) as u64).clamp(least, most);
        let wanted = settings.max_running_requests.unwrap_or(estimated);
        let requests = wanted.min(pools.tokens / 2);
        if self.state_bytes > 0 {
            requests.min(pools.states / self.slots.max(1))
        } else {
            requests
        }
    }
}
