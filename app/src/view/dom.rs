//! Elements, built by plain calls, with parts that follow signals.
//!
//! A view of Leptos compiles to code of its own for each kind of element and attribute: for this
//! page more than everything else together. Here one function serves all elements; what follows
//! signals is one boxed closure, and an effect of Leptos runs it.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::reactive::*;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, Node, Text};

/// A text, fixed or made.
pub(super) type Words = Cow<'static, str>;

/// An element while it is built.
pub(super) struct Tag(Element);

/// Something that stands in an element.
pub(super) struct Piece(Node);

/// An element of this name.
pub(super) fn tag(name: &str) -> Tag {
    // Only a name that is none is refused, and names are ours.
    let element = document().create_element(name);
    Tag(element.unwrap_or_else(|error| wasm_bindgen::throw_val(error)))
}

/// An element of this name and class.
pub(super) fn tag_of(name: &str, class: &str) -> Tag {
    tag(name).set("class", class)
}

/// An element that holds the pieces of the page already.
pub(super) fn existing(element: Element) -> Tag {
    Tag(element)
}

impl From<Tag> for Piece {
    fn from(tag: Tag) -> Self {
        Self(tag.0.into())
    }
}

impl From<&str> for Piece {
    fn from(words: &str) -> Self {
        Self(document().create_text_node(words).into())
    }
}

impl From<String> for Piece {
    fn from(words: String) -> Self {
        words.as_str().into()
    }
}

impl Tag {
    /// An attribute that stays.
    pub(super) fn set(self, name: &str, value: &str) -> Self {
        // Only a name that is none is refused, and names are ours.
        let _ = self.0.set_attribute(name, value);
        self
    }

    /// The hook that tests find the element by.
    pub(super) fn hook(self, name: &str) -> Self {
        self.set("data-testid", name)
    }

    /// A property of its style that stays.
    pub(super) fn style(self, name: &str, value: &str) -> Self {
        set_style(&self.0, name, value);
        self
    }

    /// A property of its style that follows signals.
    pub(super) fn styled(self, name: &'static str, value: impl Fn() -> String + 'static) -> Self {
        let element = self.0.clone();
        follow_words(
            Box::new(move || value().into()),
            Box::new(move |value| set_style(&element, name, value)),
        );
        self
    }

    /// A piece at the end.
    pub(super) fn with(self, piece: impl Into<Piece>) -> Self {
        self.append(&piece.into().0);
        self
    }

    /// Pieces at the end, in order.
    pub(super) fn with_all(self, pieces: impl IntoIterator<Item = Piece>) -> Self {
        for piece in pieces {
            self.append(&piece.0);
        }
        self
    }

    /// Words at the end that follow signals.
    pub(super) fn words<W: Into<Words>>(self, words: impl Fn() -> W + 'static) -> Self {
        let text = document().create_text_node("");
        self.append(&text);
        follow_words(
            Box::new(move || words().into()),
            Box::new(move |words| text.set_data(words)),
        );
        self
    }

    /// Pieces at the end that are made anew whenever a signal changes that they read.
    pub(super) fn slot(self, mut pieces: impl FnMut() -> Vec<Piece> + 'static) -> Self {
        let mut slot = Slot::at_the_end(&self);
        follow_mut(Box::new(move || slot.fill(pieces())));
        self
    }

    /// Pieces at the end that are made anew whenever `key` becomes another. What they read when
    /// they are made does not make them anew.
    pub(super) fn keyed(
        self,
        key: impl Fn() -> u64 + 'static,
        pieces: impl Fn(u64) -> Vec<Piece> + 'static,
    ) -> Self {
        let mut slot = Slot::at_the_end(&self);
        let parent = Owner::current().unwrap_or_default().downgrade();
        let mut shown: Option<(u64, Owner)> = None;
        follow_mut(Box::new(move || {
            let key = key();
            if shown.as_ref().is_some_and(|(shown, _)| *shown == key) {
                return;
            }
            if let Some((_, gone)) = shown.take() {
                gone.cleanup();
            }
            let Some(owner) = parent.upgrade().map(|parent| parent.child()) else {
                return;
            };
            slot.fill(owner.with(|| untrack(|| pieces(key))));
            shown = Some((key, owner));
        }));
        self
    }

    /// An attribute that follows signals.
    pub(super) fn attribute<W: Into<Words>>(
        self,
        name: &'static str,
        value: impl Fn() -> W + 'static,
    ) -> Self {
        let element = self.0.clone();
        follow_words(
            Box::new(move || value().into()),
            Box::new(move |value| {
                let _ = if value.is_empty() {
                    element.remove_attribute(name)
                } else {
                    element.set_attribute(name, value)
                };
            }),
        );
        self
    }

    /// An attribute that is there or not.
    pub(super) fn flag(self, name: &'static str, is_set: impl Fn() -> bool + 'static) -> Self {
        let element = self.0.clone();
        follow(move || {
            let _ = element.toggle_attribute_with_force(name, is_set());
        });
        self
    }

    /// A class that the element has or not.
    pub(super) fn class(self, name: &'static str, has: impl Fn() -> bool + 'static) -> Self {
        let classes = self.0.class_list();
        follow(move || {
            let _ = classes.toggle_with_force(name, has());
        });
        self
    }

    /// What the element holds, as HTML. Names that come from outside are to be escaped before.
    pub(super) fn html(self, html: impl Fn() -> String + 'static) -> Self {
        let element = self.0.clone();
        follow_words(
            Box::new(move || html().into()),
            Box::new(move |html| element.set_inner_html(html)),
        );
        self
    }

    /// The value of a field; what is being typed is left alone where it is the same.
    pub(super) fn value<W: Into<Words>>(self, value: impl Fn() -> W + 'static) -> Self {
        let element = self.0.clone();
        follow(move || {
            let value: Words = value().into();
            if value_of_element(&element) != value {
                set_property(&element, "value", &JsValue::from_str(&value));
            }
        });
        self
    }

    /// The option that is chosen of a list. What `is_other` says that the list lacks gets an
    /// option of its own, the second.
    pub(super) fn chosen(
        self,
        value: impl Fn() -> String + 'static,
        is_other: impl Fn(&str) -> bool + 'static,
    ) -> Self {
        let list = self.0.clone();
        let other = tag("option").0;
        follow(move || {
            let value = value();
            if is_other(&value) {
                let _ = other.set_attribute("value", &value);
                other.set_text_content(Some(&value));
                let first = list.first_element_child();
                let second = first.and_then(|first| first.next_sibling());
                let _ = list.insert_before(&other, second.as_ref());
            } else {
                other.remove();
            }
            if value_of_element(&list) != value {
                set_property(&list, "value", &JsValue::from_str(&value));
            }
        });
        self
    }

    /// A property that is true or false.
    pub(super) fn property(self, name: &'static str, is_set: impl Fn() -> bool + 'static) -> Self {
        let element = self.0.clone();
        follow(move || set_property(&element, name, &JsValue::from_bool(is_set())));
        self
    }

    /// What happens on an event.
    pub(super) fn on(self, event: &str, happens: impl FnMut(Event) + 'static) -> Self {
        listen(&self.0, event, Box::new(happens));
        self
    }

    fn append(&self, node: &Node) {
        // Refused only where a node would come to stand in itself.
        let _ = self.0.append_child(node);
    }
}

/// A place among the children of an element whose pieces change.
struct Slot {
    /// Stands after the pieces.
    end: Text,
    pieces: Vec<Piece>,
}

impl Slot {
    fn at_the_end(tag: &Tag) -> Self {
        let end = document().create_text_node("");
        tag.append(&end);
        Self {
            end,
            pieces: Vec::new(),
        }
    }

    fn fill(&mut self, pieces: Vec<Piece>) {
        let Some(parent) = self.end.parent_node() else {
            return;
        };
        for gone in self.pieces.drain(..) {
            let _ = parent.remove_child(&gone.0);
        }
        for piece in &pieces {
            let _ = parent.insert_before(&piece.0, Some(&self.end));
        }
        self.pieces = pieces;
    }
}

/// Runs now and after every change of a signal that it reads, until its owner is gone.
pub(super) fn follow(run: impl Fn() + 'static) {
    follow_mut(Box::new(run));
}

fn follow_mut(mut run: Box<dyn FnMut()>) {
    let effect = RenderEffect::new(move |_| run());
    StoredValue::new_local(effect);
}

/// Shows words where they have changed.
fn follow_words(words: Box<dyn Fn() -> Words>, show: Box<dyn Fn(&str)>) {
    let shown = RefCell::new(Words::Borrowed(""));
    follow_mut(Box::new(move || {
        let words = words();
        let mut shown = shown.borrow_mut();
        if *shown != words {
            show(&words);
            *shown = words;
        }
    }));
}

/// What listens to an element. Gone with its owner, it hears nothing more: an event may still be on
/// its way then.
struct Listening {
    target: Element,
    event: String,
    listener: Closure<dyn FnMut(Event)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let function = self.listener.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(&self.event, function);
    }
}

fn listen(target: &Element, event: &str, happens: Box<dyn FnMut(Event)>) {
    let listener = Closure::wrap(happens);
    let function = listener.as_ref().unchecked_ref();
    let _ = target.add_event_listener_with_callback(event, function);
    StoredValue::new_local(Listening {
        target: target.clone(),
        event: event.to_owned(),
        listener,
    });
}

/// Through the style object: a policy may forbid style in attributes.
fn set_style(element: &Element, name: &str, value: &str) {
    let style = element.unchecked_ref::<HtmlElement>().style();
    let _ = style.set_property(name, value);
}

fn set_property(element: &Element, name: &str, value: &JsValue) {
    // Fields take every value of their kind.
    let _ = Reflect::set(element, &JsValue::from_str(name), value);
}

/// The element that an event happened to.
pub(super) fn element_of(event: &Event) -> Option<Element> {
    event.current_target().map(JsCast::unchecked_into)
}

/// The value of the field that an event happened to.
pub(super) fn value_of(event: &Event) -> String {
    element_of(event)
        .map(|element| value_of_element(&element))
        .unwrap_or_default()
}

/// Inputs and lists have their value under the same name.
fn value_of_element(element: &Element) -> String {
    element.unchecked_ref::<HtmlInputElement>().value()
}

/// Pieces for what may not be there.
pub(super) fn maybe(piece: Option<impl Into<Piece>>) -> Vec<Piece> {
    piece.map(Into::into).into_iter().collect()
}
