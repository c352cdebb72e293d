//! Models in few bytes: what the page carries instead of configurations and their reader.
//!
//! A digest holds models without their names, which the catalogue says, and without what only
//! engines read that start from checkpoints (packing, encoders): it is what the quantizer starts
//! from. Layers and tensors that repeat are said once and counted. It is written where the page is built and read
//! back there and then by the tests; it is no format for files.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::model::{
    Attention, Experts, FeedForward, Geometry, HeadAttention, Indexer, LatentAttention, Layer,
    Model, RecurrentState, Routing, Span, Tensor, Traits,
};
use crate::quant::TensorType;

/// The digest of these models; `None` where one of them cannot be said so, because its blocks'
/// tensors do not follow each other.
#[must_use]
pub fn write(models: &[Model]) -> Option<Vec<u8>> {
    let mut writer = Writer::default();
    let mut bodies = Vec::new();
    for model in models {
        writer.bytes = Vec::new();
        writer.model(model)?;
        bodies.push(core::mem::take(&mut writer.bytes));
    }
    let words = core::mem::take(&mut writer.words);
    writer.number(words.len() as u64);
    for word in &words {
        writer.number(word.len() as u64);
        writer.bytes.extend_from_slice(word.as_bytes());
    }
    writer.number(bodies.len() as u64);
    for body in &bodies {
        writer.number(body.len() as u64);
    }
    for body in &bodies {
        writer.bytes.extend_from_slice(body);
    }
    Some(writer.bytes)
}

/// The model at this place of a digest, without a name; `None` where the digest ends before it or
/// is none.
#[must_use]
pub fn read(digest: &[u8], place: usize) -> Option<Model> {
    let mut reader = Reader {
        bytes: digest,
        words: Vec::new(),
    };
    for _ in 0..reader.number()? {
        let length = reader.size()?;
        let word = core::str::from_utf8(reader.take(length)?).ok()?;
        reader.words.push(word);
    }
    let mut lengths = Vec::new();
    for _ in 0..reader.number()? {
        lengths.push(reader.size()?);
    }
    let length = *lengths.get(place)?;
    for &before in &lengths[..place] {
        reader.take(before)?;
    }
    reader.bytes = reader.take(length)?;
    reader.model()
}

/// What is said of a tensor: the word for its name, its extents and its type.
type Shape = (String, [u64; 4], TensorType);

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    words: Vec<String>,
}

impl Writer {
    /// Seven bits a byte, the lowest first (LEB128).
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push((number & 0x7f) as u8);
    }

    fn numbers(&mut self, numbers: &[u64]) {
        for &number in numbers {
            self.number(number);
        }
    }

    fn word(&mut self, word: &str) {
        let place = match self.words.iter().position(|known| known == word) {
            Some(place) => place,
            None => {
                self.words.push(word.to_string());
                self.words.len() - 1
            }
        };
        self.number(place as u64);
    }

    fn model(&mut self, model: &Model) -> Option<()> {
        if model.geometry != Geometry::Known {
            return None;
        }
        self.word(&model.architecture);
        self.word(&model.weights_format);
        self.numbers(&[
            model.trained_context_length.map_or(0, |length| length + 1),
            model.vocabulary_size,
            model.embedding_length,
            model.input_length,
        ]);
        self.runs(&model.layers, Self::layer);
        let outside: Vec<&Tensor> = model
            .tensors
            .iter()
            .filter(|tensor| tensor.block().is_none())
            .collect();
        self.number(outside.len() as u64);
        for tensor in &outside {
            let shape = (tensor.name.clone(), tensor.dimensions, tensor.tensor_type);
            self.shape(&shape);
        }
        // First all that are outside of blocks, then block by block.
        let mut blocks: Vec<Vec<Shape>> = Vec::new();
        for tensor in model.tensors.get(outside.len()..)? {
            let block = tensor.block()?;
            let prefix = alloc::format!("blk.{block}.");
            let name = tensor.name.strip_prefix(prefix.as_str())?.to_string();
            if block == blocks.len() {
                blocks.push(Vec::new());
            }
            if block + 1 != blocks.len() {
                return None;
            }
            let shapes = blocks.last_mut()?;
            shapes.push((name, tensor.dimensions, tensor.tensor_type));
        }
        self.runs(&blocks, |writer, block| {
            writer.number(block.len() as u64);
            for shape in block {
                writer.shape(shape);
            }
        });
        Some(())
    }

    /// The distinct items, and in which runs they follow each other.
    fn runs<T: PartialEq>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        let mut kinds: Vec<&T> = Vec::new();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for item in items {
            let kind = match kinds.iter().position(|kind| *kind == item) {
                Some(kind) => kind as u64,
                None => {
                    kinds.push(item);
                    kinds.len() as u64 - 1
                }
            };
            match runs.last_mut() {
                Some((last, count)) if *last == kind => *count += 1,
                _ => runs.push((kind, 1)),
            }
        }
        self.number(kinds.len() as u64);
        for kind in kinds {
            write(self, kind);
        }
        self.number(runs.len() as u64);
        for (kind, count) in runs {
            self.numbers(&[kind, count]);
        }
    }

    fn shape(&mut self, (name, dimensions, tensor_type): &Shape) {
        self.word(name);
        self.number(u64::from(tensor_type.id()));
        let used = dimensions
            .iter()
            .rposition(|&extent| extent != 1)
            .map_or(0, |last| last + 1);
        self.number(used as u64);
        self.numbers(&dimensions[..used]);
    }

    fn span(&mut self, span: Span) {
        match span {
            Span::Full => self.number(0),
            Span::Sliding { window } => self.numbers(&[1, window]),
            Span::Chunked { chunk } => self.numbers(&[2, chunk]),
        }
    }

    fn layer(&mut self, layer: &Layer) {
        match layer.attention {
            Attention::None => self.number(0),
            Attention::Heads(heads) => {
                self.numbers(&[
                    1,
                    heads.query_heads,
                    heads.kv_heads,
                    heads.key_dim,
                    heads.value_dim,
                    u64::from(heads.shares_cache),
                ]);
                self.span(heads.span);
            }
            Attention::Latent(latent) => {
                self.numbers(&[
                    2,
                    latent.query_heads,
                    latent.latent_dim,
                    latent.rope_dim,
                    latent.key_dim,
                    latent.value_dim,
                ]);
                self.span(latent.span);
            }
        }
        match &layer.recurrent {
            None => self.number(0),
            Some(state) => {
                self.number(match state {
                    RecurrentState::Mamba { .. } => 1,
                    RecurrentState::Mamba2 { .. } => 2,
                    RecurrentState::GatedDeltaNet { .. } => 3,
                    RecurrentState::KimiDelta { .. } => 4,
                    RecurrentState::ShortConvolution { .. } => 5,
                    RecurrentState::Rwkv { .. } => 6,
                    RecurrentState::Lightning { .. } => 7,
                    RecurrentState::Compressor { .. } => 8,
                });
                self.numbers(&state.extents());
            }
        }
        match layer.indexer {
            None => self.number(0),
            Some(indexer) => self.numbers(&[1, indexer.heads, indexer.key_dim, indexer.top_k]),
        }
        self.number(layer.feed_forward.length);
        match layer.feed_forward.experts {
            None => self.number(0),
            Some(experts) => self.numbers(&[
                1,
                experts.count,
                experts.used,
                experts.length,
                experts.shared_length,
                experts.routing.groups,
                experts.routing.kept_groups,
                u64::from(experts.routing.normalizes),
                u64::from(experts.routing.scales),
            ]),
        }
        self.number(u64::from(layer.next_token_prediction));
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    words: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Some(numbers)
    }

    fn word(&mut self) -> Option<&'a str> {
        let place = self.size()?;
        self.words.get(place).copied()
    }

    fn model(&mut self) -> Option<Model> {
        let architecture = self.word()?.to_string();
        let weights_format = self.word()?.to_string();
        let [trained, vocabulary_size, embedding_length, input_length] = self.numbers()?;
        let layers = self.runs(Self::layer)?;
        let mut tensors = Vec::new();
        for _ in 0..self.number()? {
            let (name, dimensions, tensor_type) = self.shape()?;
            tensors.push(Tensor::new(name.to_string(), dimensions, tensor_type)?);
        }
        let blocks = self.runs(|reader| {
            let count = reader.number()?;
            (0..count).map(|_| reader.shape()).collect()
        })?;
        for (index, block) in blocks.iter().enumerate() {
            let block: &Vec<_> = block;
            for &(name, dimensions, tensor_type) in block {
                let name = alloc::format!("blk.{index}.{name}");
                tensors.push(Tensor::new(name, dimensions, tensor_type)?);
            }
        }
        Some(Model {
            name: String::new(),
            architecture,
            weights_format,
            trained_context_length: trained.checked_sub(1),
            vocabulary_size,
            embedding_length,
            input_length,
            layers,
            tensors,
            stretched_context_length: None,
            traits: Traits::default(),
            vision: None,
            quantization: None,
            geometry: Geometry::Known,
        })
    }

    fn runs<T: Clone>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut kinds = Vec::new();
        for _ in 0..self.number()? {
            kinds.push(read(self)?);
        }
        let mut items = Vec::new();
        for _ in 0..self.number()? {
            let kind = kinds.get(self.size()?)?;
            for _ in 0..self.number()? {
                items.push(kind.clone());
            }
        }
        Some(items)
    }

    fn shape(&mut self) -> Option<(&'a str, [u64; 4], TensorType)> {
        let name = self.word()?;
        let tensor_type = TensorType::from_id(u32::try_from(self.number()?).ok()?)?;
        let mut dimensions = [1; 4];
        let used = self.size()?;
        for extent in dimensions.get_mut(..used)? {
            *extent = self.number()?;
        }
        Some((name, dimensions, tensor_type))
    }

    fn span(&mut self) -> Option<Span> {
        Some(match self.number()? {
            0 => Span::Full,
            1 => Span::Sliding {
                window: self.number()?,
            },
            2 => Span::Chunked {
                chunk: self.number()?,
            },
            _ => return None,
        })
    }

    fn attention(&mut self) -> Option<Attention> {
        Some(match self.number()? {
            0 => Attention::None,
            1 => {
                let [query_heads, kv_heads, key_dim, value_dim, shares_cache] = self.numbers()?;
                Attention::Heads(HeadAttention {
                    query_heads,
                    kv_heads,
                    key_dim,
                    value_dim,
                    span: self.span()?,
                    shares_cache: shares_cache == 1,
                })
            }
            2 => {
                let [query_heads, latent_dim, rope_dim, key_dim, value_dim] = self.numbers()?;
                Attention::Latent(LatentAttention {
                    query_heads,
                    latent_dim,
                    rope_dim,
                    key_dim,
                    value_dim,
                    span: self.span()?,
                })
            }
            _ => return None,
        })
    }

    fn recurrent(&mut self) -> Option<Option<RecurrentState>> {
        let kind = self.number()?;
        if kind == 0 {
            return Some(None);
        }
        let [first, second, third, fourth, fifth] = self.numbers()?;
        Some(Some(match kind {
            1 => RecurrentState::Mamba {
                inner: first,
                state: second,
                conv_kernel: third,
            },
            2 => RecurrentState::Mamba2 {
                inner: first,
                state: second,
                groups: third,
                heads: fourth,
                conv_kernel: fifth,
            },
            3 => RecurrentState::GatedDeltaNet {
                key_heads: first,
                key_dim: second,
                value_heads: third,
                value_dim: fourth,
                conv_kernel: fifth,
            },
            4 => RecurrentState::KimiDelta {
                heads: first,
                head_dim: second,
                conv_kernel: third,
            },
            5 => RecurrentState::ShortConvolution {
                width: first,
                conv_kernel: second,
            },
            6 => RecurrentState::Rwkv {
                embedding: first,
                head_dim: second,
                token_shifts: third,
            },
            7 => RecurrentState::Lightning {
                heads: first,
                head_dim: second,
            },
            8 => RecurrentState::Compressor {
                ratio: first,
                key_dim: second,
                indexer_dim: third,
            },
            _ => return None,
        }))
    }

    fn layer(&mut self) -> Option<Layer> {
        Some(Layer {
            attention: self.attention()?,
            recurrent: self.recurrent()?,
            indexer: match self.number()? {
                0 => None,
                _ => {
                    let [heads, key_dim, top_k] = self.numbers()?;
                    Some(Indexer {
                        heads,
                        key_dim,
                        top_k,
                    })
                }
            },
            feed_forward: FeedForward {
                length: self.number()?,
                experts: match self.number()? {
                    0 => None,
                    _ => {
                        let [count, used, length, shared_length] = self.numbers()?;
                        let [groups, kept_groups, normalizes, scales] = self.numbers()?;
                        Some(Experts {
                            count,
                            used,
                            length,
                            shared_length,
                            routing: Routing {
                                groups,
                                kept_groups,
                                normalizes: normalizes == 1,
                                scales: scales == 1,
                            },
                        })
                    }
                },
            },
            next_token_prediction: self.number()? == 1,
        })
    }
}

#[cfg(all(test, feature = "configs"))]
mod tests {
    use super::*;
    use crate::catalogue::{digest, entries};

    #[test]
    fn every_entry_comes_back_as_it_was() {
        let models: Vec<Model> = entries()
            .map(|entry| entry.unquantized().unwrap())
            .collect();
        let digest = digest().unwrap();
        for (place, mut model) in models.into_iter().enumerate() {
            let name = core::mem::take(&mut model.name);
            model.stretched_context_length = None;
            model.vision = None;
            model.quantization = None;
            for tensor in &mut model.tensors {
                tensor.packing = None;
            }
            assert_eq!(read(&digest, place), Some(model), "{name}");
        }
        assert_eq!(read(&digest, entries().count()), None);
        assert!(digest.len() < 64_000, "{} bytes", digest.len());
    }

    #[test]
    fn a_digest_cut_short_is_none() {
        let digest = digest().unwrap();
        let last = entries().count() - 1;
        for length in (0..digest.len()).step_by(97) {
            assert_eq!(read(&digest[..length], last), None, "{length}");
        }
    }
}
