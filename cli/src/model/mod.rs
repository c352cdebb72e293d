//! From the MODEL that a person names to the model itself.

pub(crate) mod beside;
mod checkpoint;
mod config;
mod error;
mod folder;
mod formats;
mod gguf;
mod input;
mod manual;
mod name;
mod ollama;
mod other_file;
mod safetensors;
mod warning;

pub(crate) use error::ModelError;
pub(crate) use warning::{Lacking, Warning};

use std::fs;
use std::path::{Path, PathBuf};

use shared::catalogue::{self, Entry};
use shared::engine::Engine;
use shared::engine::llama_cpp::profile::{Ollama, Profile};
use shared::model::{Geometry, Model};
use shared::quant::{FileType, Packing, TensorType, pack, quantize, unpack};

use self::formats::Origin;
use self::input::Input;
use crate::arguments::{ModelChoice, UsageError};
use crate::backend::Reads;
use crate::failure::Failure;

/// A model that was found, and how the engine's command line would name it.
pub(crate) struct Found {
    /// The model.
    pub(crate) model: Model,
    /// The name to start it by: a path, a tag or a repository.
    launch_name: String,
    /// The name by which Ollama knows it, where it is one of Ollama's.
    ollama_tag: Option<String>,
    /// Where it is known from.
    pub(crate) source: Source,
    /// What a person should know of it.
    pub(crate) warnings: Vec<Warning>,
    origin: Origin,
    /// The catalogue's entry that it is of, for engines that read GGUF files.
    entry: Option<&'static Entry>,
    /// The format of the weights asked for, where the entry has others.
    asked: Option<FileType>,
}

/// Where a model is known from.
pub(crate) struct Source {
    /// The kind of place.
    pub(crate) kind: SourceKind,
    /// The path or name there.
    pub(crate) location: String,
}

/// The kinds of places where models are known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// A GGUF file's header.
    Gguf,
    /// A `config.json`.
    Config,
    /// The built-in catalogue.
    Catalogue,
    /// Options of the command line.
    Manual,
}

impl SourceKind {
    /// The name in output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gguf => "gguf",
            Self::Config => "config",
            Self::Catalogue => "catalogue",
            Self::Manual => "manual",
        }
    }
}

impl Found {
    fn new(model: Model, launch_name: String, kind: SourceKind, location: String) -> Self {
        let mut warnings = Vec::new();
        match (kind, model.geometry) {
            (SourceKind::Manual, _) => warnings.push(Warning::StandIn),
            (_, Geometry::Conservative) => warnings.push(Warning::Conservative {
                architecture: model.architecture.clone(),
            }),
            (_, Geometry::Known) => {}
        }
        Self {
            model,
            launch_name,
            ollama_tag: None,
            source: Source { kind, location },
            warnings,
            origin: Origin::Fixed,
            entry: None,
            asked: None,
        }
    }

    /// The model as its source stores it: a quantized checkpoint as it is, whatever the engine
    /// makes of it.
    pub(crate) fn stored(&self) -> &Model {
        match &self.origin {
            Origin::Checkpoint(checkpoint) => checkpoint,
            _ => &self.model,
        }
    }

    /// The same with weights in 16 bits packed so, where `packing` says it.
    pub(crate) fn packed_as(mut self, packing: Option<Packing>) -> Self {
        let Some(packing) = packing else {
            return self;
        };
        let is_plain = |kind: TensorType| !kind.is_quantized();
        let mut types = self.model.tensors.iter().map(|tensor| tensor.tensor_type);
        if self.model.quantization.is_none() && types.all(is_plain) {
            self.pack(packing);
            self.warnings.push(Warning::TakenAs {
                format: packing.name(),
            });
        }
        self
    }

    /// Packs the weights; what is started then is no longer the repository's checkpoint, but one
    /// made of it.
    fn pack(&mut self, packing: Packing) {
        self.launch_name = self.packed_name(packing);
        self.model = pack(&self.model, packing);
    }

    /// The name to start the checkpoint by that a quantizer makes of this one; the same where the
    /// engine packs it while it loads.
    pub(crate) fn packed_name(&self, packing: Packing) -> String {
        if is_packed_on_load(packing) {
            return self.launch_name.clone();
        }
        let plain: String = self.model.name.replace([':', '/'], "-");
        format!("./{plain}-{}", packing.name())
    }

    /// The model in each published format that takes less, widest first; none where the format
    /// is fixed or was asked for.
    pub(crate) fn lighter(&self) -> impl Iterator<Item = (FileType, Model)> {
        self.origin.lighter(&self.model)
    }

    /// The name to start the model by in `engine`, with its weights in this format, or as they
    /// are.
    pub(crate) fn launch_name(&self, engine: &dyn Engine, format: Option<FileType>) -> String {
        let for_ollama = engine.name() == Ollama.name();
        match (format, self.entry) {
            (format, Some(entry)) => self.published_name(entry, format, for_ollama),
            (Some(format), None) => format!("{}-{format}.gguf", self.model.name),
            (None, None) => match &self.ollama_tag {
                Some(tag) if for_ollama => tag.clone(),
                _ => self.launch_name.clone(),
            },
        }
    }

    /// The name of an entry's file in this format, or in the one that was asked for: a tag of
    /// Ollama's library, a repository of GGUF files, or a file.
    fn published_name(&self, entry: &Entry, format: Option<FileType>, for_ollama: bool) -> String {
        let format = format.or(self.asked).unwrap_or(entry.file_type);
        let given = self.launch_name.as_str();
        if for_ollama && let Some(tag) = entry.ollama_tag(format) {
            let is_default = format == entry.file_type && !given.contains('/');
            return if is_default { given.into() } else { tag };
        }
        let by_repository = given.eq_ignore_ascii_case(entry.repository);
        if (for_ollama || by_repository)
            && let Some(repository) = entry.gguf_repository(format)
        {
            return format!("{repository}:{format}");
        }
        match format == entry.file_type && !by_repository && !for_ollama {
            true => given.into(),
            false => format!("{}-{format}.gguf", file_stem(given)),
        }
    }
}

/// Whether a checkpoint in 16 bits is packed so while it is loaded, and needs no other.
pub(crate) fn is_packed_on_load(packing: Packing) -> bool {
    matches!(
        packing,
        Packing::Nf4(_) | Packing::Int8(_) | Packing::Hqq(_)
    )
}

/// What a file of a model of this name is called, its format aside.
fn file_stem(given: &str) -> String {
    let name = given.rsplit('/').next().unwrap_or(given);
    name.replace(':', "-")
}

/// The models asked for: the one named, or every local one of Ollama's.
///
/// # Errors
/// Where a model cannot be found or read. Of Ollama's models, those that can be read are given.
pub(crate) fn find(
    choice: &ModelChoice,
    reads: Reads,
) -> Result<Vec<Result<Found, Failure>>, Failure> {
    if choice.model.is_some() || choice.geometry.is_given() {
        return find_one(choice, reads).map(|found| vec![Ok(found)]);
    }
    refuse_packing(choice, reads)?;
    let own = (reads == Reads::Gguf)
        .then_some(choice.file_type())
        .flatten();
    let local = ollama::all(own)?.into_iter();
    let found = local.map(|local| match (local, reads) {
        (Ok(local), Reads::Checkpoints | Reads::Either) => {
            checkpoint::of_local(local, choice.file_type())
        }
        (local, _) => local,
    });
    Ok(found.collect())
}

/// The one model that `command` is asked of.
///
/// # Errors
/// Where none is named, or it cannot be found or read.
pub(crate) fn find_named(
    choice: &ModelChoice,
    reads: Reads,
    command: &'static str,
) -> Result<Found, Failure> {
    let named = choice.model.as_deref().unwrap_or_default().trim();
    if named.is_empty() && !choice.geometry.is_given() {
        return Err(UsageError::NoModel { command }.into());
    }
    find_one(choice, reads)
}

/// Checkpoints' packings are not those of GGUF files.
fn refuse_packing(choice: &ModelChoice, reads: Reads) -> Result<(), Failure> {
    match choice.packing() {
        Some(packing) if reads == Reads::Gguf => Err(ModelError::FormatOfCheckpoints {
            format: packing.name(),
        }
        .into()),
        _ => Ok(()),
    }
}

fn find_one(choice: &ModelChoice, reads: Reads) -> Result<Found, Failure> {
    refuse_packing(choice, reads)?;
    let mut found = find_stored(choice, reads)?;
    if let Some(packing) = choice.packing() {
        if let Some(quantization) = &found.model.quantization
            && quantization.packing != Some(packing)
        {
            return Err(ModelError::PackedAlready {
                name: found.model.name,
                format: found.model.weights_format,
                asked: packing.name(),
            }
            .into());
        }
        if found.model.quantization.is_none() {
            found.pack(packing);
        }
    }
    Ok(found)
}

fn find_stored(choice: &ModelChoice, reads: Reads) -> Result<Found, Failure> {
    let given = choice.model.as_deref().unwrap_or_default().trim();
    let given = name::without_address(given);
    if choice.geometry.is_given() {
        if choice.model.is_some() {
            return Err(ModelError::NamedAndByHand { name: given.into() }.into());
        }
        let model = manual::read(&choice.geometry)?;
        return described(
            model,
            SourceKind::Manual,
            manual::NAME,
            choice.file_type(),
            reads,
        );
    }
    let named = name::split(given, choice)?;
    if let Some(path) = existing(given) {
        return at_path(&path, choice.file_type(), choice, reads);
    }
    if named.file_type.is_some()
        && let Some(path) = existing(&named.name)
    {
        return at_path(&path, named.file_type, choice, reads);
    }
    if named.file_type.is_none()
        && let Some((name, format)) = name::unknown_format(given)
        && (existing(name).is_some() || catalogue::find(name).is_ok())
        && catalogue::find(given).is_err()
    {
        return Err(ModelError::UnknownFormat {
            name: name.into(),
            format: format.into(),
            of_checkpoints: reads != Reads::Gguf,
        }
        .into());
    }
    if name::looks_like_path(given) {
        return Err(Failure::File {
            path: given.into(),
            error: std::io::ErrorKind::NotFound.into(),
        });
    }
    if reads != Reads::Gguf {
        return checkpoint::named(given, &named);
    }
    match ollama::find(given)? {
        // Another format than the local file's may be in the catalogue.
        Some(local) => fixed_format(local, choice.file_type())
            .or_else(|error| in_catalogue(given, &named).map_err(|_| error)),
        None => in_catalogue(given, &named),
    }
}

fn existing(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    (!text.is_empty() && path.exists()).then_some(path)
}

fn in_catalogue(given: &str, named: &name::Named) -> Result<Found, Failure> {
    let entry = entry(given, named)?;
    let mut model = entry.model(named.file_type)?;
    if given.eq_ignore_ascii_case(entry.repository) {
        model.name = entry.repository.into();
    }
    let location = entry.repository.into();
    let launch_name = named.name.clone();
    let mut found = Found::new(model, launch_name, SourceKind::Catalogue, location);
    found.entry = Some(entry);
    found.asked = named.file_type;
    if named.file_type.is_none() {
        found.origin = Origin::Entry(entry);
    }
    Ok(found)
}

/// The catalogue's entry of this name, with or without the format at its end.
fn entry(given: &str, named: &name::Named) -> Result<&'static Entry, Failure> {
    let whole = catalogue::find(given);
    let entry = match (&whole, named.name.as_str()) {
        (Err(_), name) if name != given => catalogue::find(name).or(whole),
        _ => whole,
    };
    match entry {
        Err(_) if name::looks_like_repository(given) => Err(ModelError::HubNotRead {
            repository: named.name.clone(),
            similar: name::same_model(&named.name),
        }
        .into()),
        entry => Ok(entry?),
    }
}

/// The model in a file or folder, told apart by what is in it.
fn at_path(
    path: &Path,
    file_type: Option<FileType>,
    choice: &ModelChoice,
    reads: Reads,
) -> Result<Found, Failure> {
    let metadata = fs::metadata(path).map_err(|error| Failure::File {
        path: path.into(),
        error,
    })?;
    if metadata.is_dir() {
        return match reads {
            Reads::Gguf => folder::read(path, file_type, choice),
            Reads::Checkpoints | Reads::Either => checkpoint::in_folder(path, file_type, choice),
        };
    }
    let input = Input::open(path)?;
    if gguf::is_gguf(&input) {
        if reads == Reads::Checkpoints {
            return Err(ModelError::GgufNotRead { path: path.into() }.into());
        }
        return fixed_format(gguf::read_from(input, &gguf::name(path))?, file_type);
    }
    match reads {
        Reads::Gguf => {
            let model = config::read(input, choice, reads)?.model;
            let location = path.to_string_lossy();
            open_format(model, SourceKind::Config, &location, file_type)
        }
        Reads::Checkpoints | Reads::Either => checkpoint::configured(input, file_type, choice),
    }
}

/// A model whose source may leave the format of the weights open: to an engine that reads
/// checkpoints it does not.
fn described(
    model: Model,
    kind: SourceKind,
    location: &str,
    asked: Option<FileType>,
    reads: Reads,
) -> Result<Found, Failure> {
    match reads {
        Reads::Gguf => open_format(model, kind, location, asked),
        Reads::Checkpoints | Reads::Either => checkpoint::described(model, kind, location, asked),
    }
}

/// A file that says how its weights are stored.
fn fixed_format(found: Found, asked: Option<FileType>) -> Result<Found, Failure> {
    match asked {
        Some(asked)
            if !asked
                .name()
                .eq_ignore_ascii_case(&found.model.weights_format) =>
        {
            Err(ModelError::FormatFixed {
                name: found.model.name,
                format: found.model.weights_format,
                asked,
            }
            .into())
        }
        _ => Ok(found),
    }
}

/// A source that leaves the format of the weights open.
fn open_format(
    model: Model,
    kind: SourceKind,
    location: &str,
    asked: Option<FileType>,
) -> Result<Found, Failure> {
    let Some(file_type) = asked else {
        let checkpoint = Box::new(model.clone());
        let packed = model
            .quantization
            .is_some()
            .then(|| model.weights_format.clone());
        // The converter unpacks what is quantized.
        let model = unpack(model);
        let format = model.weights_format.clone();
        let launch_name = format!("{}-{format}.gguf", model.name);
        let mut found = Found::new(model, launch_name, kind, location.into());
        found.warnings.push(match packed {
            Some(packed) if packed != format => Warning::Unpacked { packed, format },
            _ => Warning::FormatOpen {
                source: location.into(),
                format,
            },
        });
        found.origin = Origin::Checkpoint(checkpoint);
        return Ok(found);
    };
    let model = quantize(&model, file_type)?;
    let launch_name = format!("{}-{file_type}.gguf", model.name);
    Ok(Found::new(model, launch_name, kind, location.into()))
}
