//! The catalogue of cards: for who knows the name of a card and not what is free on it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Device;
use super::card_name::Words;
use super::card_table::CARDS;
use crate::text::{Language, UserMessage};

const MEBIBYTE: u64 = 1024 * 1024;

/// How many cards an error names at most.
const NAMED: usize = 8;

/// A graphics card, or a computer whose memory its GPU shares.
#[derive(Debug, PartialEq, Eq)]
pub struct Card {
    /// Name without the maker's.
    pub name: &'static str,
    /// Maker.
    pub vendor: Vendor,
    /// What kind of machine it is for.
    pub class: CardClass,
    /// Memory in MiB as the driver shows it in all; of Apple's, what Metal lets the GPU use.
    pub total_mib: u32,
    /// Whether `total_mib` was reckoned from the size it is sold by, not seen.
    pub is_estimate: bool,
    /// CUDA compute capability as major and minor, of NVIDIA's.
    pub compute_capability: Option<(u8, u8)>,
    /// Streaming multiprocessors, of NVIDIA's.
    pub multiprocessors: Option<u16>,
}

/// Who makes a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Vendor {
    Nvidia,
    Amd,
    Intel,
    Apple,
}

impl Vendor {
    /// The name as it stands before a card's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nvidia => "NVIDIA",
            Self::Amd => "AMD",
            Self::Intel => "Intel",
            Self::Apple => "Apple",
        }
    }
}

/// What kind of machine a card is for; a list of cards is grouped by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardClass {
    /// Desktop PCs.
    Desktop,
    /// Laptops.
    Laptop,
    /// Workstations.
    Workstation,
    /// Servers.
    DataCenter,
    /// Computers whose GPU shares the processor's memory.
    Unified,
}

/// The memory of a card that can be expected to be free, where nobody measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocatable {
    /// Bytes. Always an estimate.
    pub bytes: u64,
    /// How it was come by.
    pub basis: AllocatableBasis,
}

/// How much of a card's total is held to be free, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocatableBasis {
    /// 500 MiB less than the total. The differences measured on idle cards are 462 (RTX 5060 Ti
    /// 16 GB), 417 to 459 (RTX 3090), 499 (RTX 5090) and, on Windows, 204 MiB (RTX 3080 Ti).
    LessThanTotal,
    /// The system shares the memory: a sixteenth less than the total, at least 1 GiB. Not
    /// measured.
    SharedWithSystem,
    /// The total already is what the system lets the GPU use.
    SystemLimit,
}

impl Card {
    /// The name with the maker's.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.vendor.name(), self.name)
    }

    /// Memory in bytes as the driver shows it in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::from(self.total_mib) * MEBIBYTE
    }

    /// The memory that can be expected to be free while nothing else uses the card. What a
    /// desktop, a browser or a game takes comes off it: a reading is always better.
    #[must_use]
    pub fn allocatable(&self) -> Allocatable {
        let total = self.total();
        let (taken, basis) = match (self.class, self.vendor) {
            (CardClass::Unified, Vendor::Nvidia) => (
                (total / 16).max(1024 * MEBIBYTE),
                AllocatableBasis::SharedWithSystem,
            ),
            (CardClass::Unified, _) => (0, AllocatableBasis::SystemLimit),
            _ => (500 * MEBIBYTE, AllocatableBasis::LessThanTotal),
        };
        Allocatable {
            bytes: total.saturating_sub(taken),
            basis,
        }
    }

    /// The card as a device, with [`Self::allocatable`] free.
    #[must_use]
    pub fn device(&self) -> Device {
        Device {
            name: self.full_name(),
            free: self.allocatable().bytes,
            total: Some(self.total()),
            compute_capability: self
                .compute_capability
                .map(|(major, minor)| (major.into(), minor.into())),
        }
    }
}

impl AllocatableBasis {
    /// The rule and where it comes from, in one line.
    #[must_use]
    pub fn explanation(self, language: Language) -> &'static str {
        match self {
            Self::LessThanTotal => language.pick(
                "推定: 全体から 500 MiB を引いた値(待機中の実測差: RTX 5060 Ti 462、RTX 3090 417〜459、RTX 5090 499、Windows の RTX 3080 Ti 204 MiB)",
                "estimate: 500 MiB less than the total (measured on idle cards: RTX 5060 Ti 462, RTX 3090 417–459, RTX 5090 499, RTX 3080 Ti on Windows 204 MiB)",
            ),
            Self::SharedWithSystem => language.pick(
                "推定: システムと共有するメモリーから 1/16(最低 1 GiB)を引いた値(実測なし)",
                "estimate: the memory shared with the system, less a sixteenth and at least 1 GiB (not measured)",
            ),
            Self::SystemLimit => language.pick(
                "推定: OS が GPU に既定で許す量",
                "estimate: what the system lets the GPU use by default",
            ),
        }
    }
}

/// Why a name does not lead to one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardError {
    /// No card of this name.
    Unknown {
        /// The name given.
        name: String,
        /// Cards whose names come near it, perhaps none.
        near: Vec<&'static Card>,
    },
    /// Several cards of this name, with different memory.
    Ambiguous {
        /// The name given.
        name: String,
        /// The cards.
        candidates: Vec<&'static Card>,
    },
}

/// The card that goes by this name, however it is spelled: `RTX 4090`, `rtx4090`, `4090`,
/// `NVIDIA GeForce RTX 4090`. Where the name leaves several that do not differ in memory, the
/// first of them.
///
/// # Errors
/// Names that no card or several different cards go by.
pub fn find_card(name: &str) -> Result<&'static Card, CardError> {
    let asked = Words::of(name);
    if asked.is_empty() {
        return Err(unknown(name, &asked));
    }
    let cards = going_by(&asked);
    match cards.first() {
        None => Err(unknown(name, &asked)),
        Some(first) if are_alike(&cards) => Ok(first),
        Some(_) => Err(CardError::Ambiguous {
            name: name.trim().into(),
            candidates: cards,
        }),
    }
}

/// The cards that a name leads to: those of just these words, else those of the same but for their
/// family, else those that have them among others.
fn going_by(asked: &Words) -> Vec<&'static Card> {
    let mut found = [(); 3].map(|()| Vec::new());
    for card in CARDS.iter().filter(|card| asked.may_be(card.name)) {
        let words = Words::of(card.name);
        let rank = if words.is_same(asked) {
            0
        } else if words.is_same_without_family(asked) {
            1
        } else if words.contains(asked) {
            2
        } else {
            continue;
        };
        if let Some(cards) = found.get_mut(rank) {
            cards.push(card);
        }
    }
    let found = found.into_iter().find(|cards| !cards.is_empty());
    found.unwrap_or_default()
}

/// Whether all cards have the memory and the generation of the first.
fn are_alike(cards: &[&Card]) -> bool {
    let kind = |card: &Card| (card.total_mib, card.compute_capability);
    cards.windows(2).all(|pair| kind(pair[0]) == kind(pair[1]))
}

/// Streaming multiprocessors of the card of this name; the most, where several go by it.
#[must_use]
pub fn multiprocessors(name: &str) -> Option<u16> {
    let asked = Words::of(name);
    if asked.is_empty() {
        return None;
    }
    let cards = going_by(&asked);
    if are_alike(&cards) {
        return cards.first()?.multiprocessors;
    }
    cards.iter().filter_map(|card| card.multiprocessors).max()
}

fn unknown(name: &str, asked: &Words) -> CardError {
    let mut near: Vec<&'static Card> = CARDS
        .iter()
        .filter(|card| Words::of(card.name).shares_number_with(asked))
        .collect();
    near.truncate(NAMED);
    CardError::Unknown {
        name: name.trim().into(),
        near,
    }
}

/// The cards that a name typed so far may lead to, the exact ones first, else in the
/// catalogue's order. Nothing typed leads to all of them.
#[must_use]
pub fn search_cards(typed: &str) -> Vec<&'static Card> {
    let asked = Words::of(typed);
    let beginnings = Words::all_of(&[typed]);
    let (mut exact, mut others) = (Vec::new(), Vec::new());
    for card in CARDS {
        let name = Words::of(card.name);
        if name.is_same(&asked) || name.is_same_without_family(&asked) {
            exact.push(card);
        } else if Words::all_of(&[card.vendor.name(), card.name]).begins(&beginnings) {
            others.push(card);
        }
    }
    exact.append(&mut others);
    exact
}

impl UserMessage for CardError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_gpu",
            Self::Ambiguous { .. } => "ambiguous_gpu",
        }
    }

    fn message(&self, language: Language) -> String {
        match (self, language) {
            (Self::Unknown { name, .. }, Language::Ja) => {
                format!("GPU「{name}」はカタログにありません")
            }
            (Self::Unknown { name, .. }, Language::En) => {
                format!("the catalogue has no GPU “{name}”")
            }
            (Self::Ambiguous { name, .. }, Language::Ja) => {
                format!("「{name}」に当てはまる GPU が複数あります")
            }
            (Self::Ambiguous { name, .. }, Language::En) => {
                format!("“{name}” fits several GPUs")
            }
        }
    }

    fn hint(&self, language: Language) -> String {
        let cards = match self {
            Self::Unknown { near, .. } => near,
            Self::Ambiguous { candidates, .. } => candidates,
        };
        let mut names = cards
            .iter()
            .take(NAMED)
            .map(|card| card.name)
            .collect::<Vec<_>>()
            .join(", ");
        if cards.len() > NAMED {
            names.push_str(", …");
        }
        match (self, names.is_empty(), language) {
            (Self::Ambiguous { .. }, _, Language::Ja) => format!("次から選んでください: {names}"),
            (Self::Ambiguous { .. }, _, Language::En) => format!("choose one: {names}"),
            (_, true, Language::Ja) => "空き VRAM を直接指定してください(--free-vram-mb)".into(),
            (_, true, Language::En) => "give the free VRAM instead (--free-vram-mb)".into(),
            (_, false, Language::Ja) => {
                format!("近い名前: {names}。なければ空き VRAM を直接指定してください")
            }
            (_, false, Language::En) => {
                format!("names near it: {names}; or give the free VRAM instead")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cards: &[&Card]) -> Vec<&'static str> {
        cards.iter().map(|card| card.name).collect()
    }

    #[test]
    fn one_card_goes_by_many_names() {
        for (name, card) in [
            ("RTX 4090", "GeForce RTX 4090"),
            ("rtx4090", "GeForce RTX 4090"),
            ("NVIDIA GeForce RTX 4090", "GeForce RTX 4090"),
            ("4090", "GeForce RTX 4090"),
            ("ＲＴＸ　４０９０", "GeForce RTX 4090"),
            ("geforce-rtx_4090", "GeForce RTX 4090"),
            ("4090 laptop", "GeForce RTX 4090 Laptop GPU"),
            ("RTX 4090 Mobile", "GeForce RTX 4090 Laptop GPU"),
            (
                "NVIDIA GeForce RTX 5070 Ti Laptop GPU",
                "GeForce RTX 5070 Ti Laptop GPU",
            ),
            ("4070ti super", "GeForce RTX 4070 Ti SUPER"),
            ("4070", "GeForce RTX 4070"),
            ("5060ti 16gb", "GeForce RTX 5060 Ti 16 GB"),
            ("RTX 5060 Ti (16 GiB)", "GeForce RTX 5060 Ti 16 GB"),
            ("1060", "GeForce GTX 1060 6 GB"),
            ("NVIDIA A100-SXM4-80GB", "A100 SXM4 80 GB"),
            ("NVIDIA H100 80GB HBM3", "H100 PCIe 80 GB"),
            ("NVIDIA H200", "H200 NVL"),
            ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
            ("RTX A6000", "RTX A6000"),
            ("a6000", "RTX A6000"),
            (
                "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
                "RTX PRO 6000 Blackwell",
            ),
            (
                "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
                "RTX PRO 6000 Blackwell Max-Q",
            ),
            ("T4", "Tesla T4"),
            ("L40s", "L40S"),
            ("NVIDIA GB10", "GB10 (DGX Spark)"),
            ("dgx spark", "GB10 (DGX Spark)"),
            ("7900xtx", "Radeon RX 7900 XTX"),
            ("AMD Radeon RX 7900 XTX", "Radeon RX 7900 XTX"),
            ("MI300X", "Instinct MI300X"),
            ("Arc B580", "Arc B580"),
            ("Apple M4 Max 128GB", "M4 Max 40-core 128 GB"),
            ("m1 16gb", "M1 16 GB"),
        ] {
            assert_eq!(find_card(name).map(|card| card.name), Ok(card), "{name}");
        }
    }

    #[test]
    fn every_card_goes_by_its_own_name() {
        for card in CARDS {
            for name in [card.name.into(), card.full_name(), card.name.to_lowercase()] {
                assert_eq!(find_card(&name), Ok(card), "{name}");
            }
        }
    }

    #[test]
    fn what_could_be_several_is_not_chosen_between() {
        let Err(CardError::Ambiguous { candidates, .. }) = find_card("RTX 5060 Ti") else {
            panic!("one was chosen");
        };
        assert_eq!(
            names(&candidates),
            ["GeForce RTX 5060 Ti 16 GB", "GeForce RTX 5060 Ti 8 GB"]
        );
        for name in ["A100", "H100", "RTX 6000", "M4 Max", "V100", "RTX"] {
            assert!(
                matches!(find_card(name), Err(CardError::Ambiguous { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_unknown_is_named_with_what_is_near() {
        let Err(error) = find_card("RTX 4090 Ti") else {
            panic!("there is none");
        };
        let CardError::Unknown { near, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(names(near).contains(&"GeForce RTX 4090"));
        assert!(error.hint(Language::En).contains("GeForce RTX 4090"));
        for name in ["", "  ", "Voodoo", "-", "NVIDIA"] {
            let Err(CardError::Unknown { near, .. }) = find_card(name) else {
                panic!("{name}");
            };
            assert!(near.is_empty(), "{name}");
        }
    }

    #[test]
    fn typing_narrows_the_catalogue() {
        assert_eq!(search_cards("").len(), CARDS.len());
        assert_eq!(
            names(&search_cards("4090")),
            [
                "GeForce RTX 4090",
                "GeForce RTX 4090 D",
                "GeForce RTX 4090 Laptop GPU"
            ]
        );
        assert_eq!(search_cards("rtx 30").len(), 19);
        assert!(
            search_cards("apple m4")
                .iter()
                .all(|card| card.vendor == Vendor::Apple)
        );
        assert!(
            search_cards("amd")
                .iter()
                .all(|card| card.vendor == Vendor::Amd)
        );
        assert_eq!(search_cards("a100")[0].name, "A100 PCIe 80 GB");
        assert!(search_cards("voodoo").is_empty());
        let mut before = CARDS.len();
        for end in 1..="geforce rtx 5070 ti".len() {
            let now = search_cards(&"geforce rtx 5070 ti"[..end]).len();
            assert!(now > 0 && now <= before);
            before = now;
        }
    }

    /// Total and what could be allocated on the idle card, in MiB, from public load logs.
    #[test]
    fn the_estimate_is_never_above_what_was_measured() {
        for (name, total, least, most) in [
            ("RTX 5060 Ti 16 GB", 16_311, 15_849, 15_849),
            ("RTX 3090", 24_576, 24_117, 24_159),
            ("RTX 5090", 32_607, 32_108, 32_108),
            ("RTX 3080 Ti", 12_288, 12_084, 12_084),
        ] {
            let card = find_card(name).unwrap();
            assert_eq!(card.total_mib, total);
            let estimate = card.allocatable().bytes / MEBIBYTE;
            assert!(estimate <= least, "{name}: {estimate}");
            assert!(estimate + 300 >= most, "{name}: {estimate}");
        }
    }

    #[test]
    fn the_catalogue_is_sound_and_small() {
        // Two words of an address and sixteen bytes a card; the page's addresses have 32 bits.
        assert!(size_of::<Card>() <= 2 * size_of::<usize>() + 16);
        let mut bytes = CARDS.len() * 24;
        for (place, card) in CARDS.iter().enumerate() {
            bytes += card.name.len();
            assert!(card.total_mib >= 3500, "{}", card.name);
            assert!(card.allocatable().bytes < card.total() || card.vendor != Vendor::Nvidia);
            assert_eq!(
                card.compute_capability.is_some(),
                card.vendor == Vendor::Nvidia
            );
            assert!(CARDS[..place].iter().all(|other| other.name != card.name));
        }
        assert!(bytes <= 12 * 1024, "{bytes} bytes");
    }
}
