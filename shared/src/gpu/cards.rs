//! The catalogue of graphics cards.

/// A graphics card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// Name.
    pub name: &'static str,
}

/// Every card.
pub const CARDS: &[Card] = &[];

/// The card of this name.
#[must_use]
pub fn find_card(name: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.name == name)
}
