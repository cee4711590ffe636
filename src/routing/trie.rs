//! The map from topics to numbers under both subscription tables: a radix tree
//! that finds every stored prefix of a body in one walk along it.
//!
//! Topics come from peers, so the tree is built for hostile ones: nothing
//! recurses, labels are cut at [`MAX_LABEL`] bytes so that splitting and joining
//! nodes costs the same under a 2 MB topic as under a short one, and every
//! allocation is made, fallibly, before anything changes. Nodes, labels and
//! child tables live in three arenas with free lists: some 32 bytes a topic
//! beside the bytes that it doesn't share.

mod children;
mod shortcut;

use std::ops::Deref;

use shortcut::{Key, LONGEST, Shortcut};

use super::arena::Arena;
use crate::error::{Errno, Result};

/// The node of the empty topic; it always exists.
const ROOT: u32 = 0;

/// A longer label becomes a chain of nodes.
const MAX_LABEL: usize = 255;
/// Labels up to this length are kept in the node.
const MAX_INLINE: usize = size_of::<u64>();
/// The end of a free list.
const NONE: u32 = u32::MAX;

/// A map from byte strings to numbers other than 0.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// Labels that don't fit into their node, in runs of 1, 2, 4, 8, 16 units.
    labels: Arena<[u8; UNIT], 5>,
    /// See [`children`].
    tables: Arena<u32, 8>,
    /// The first free node; they are linked by `table`.
    free_node: Option<u32>,
    len: usize,
    shortcut: Shortcut,
}

const UNIT: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The first bytes of up to `MAX_SMALL` children. With more, for each
    /// word of the bitmap the number of children before it.
    keys: u64,
    /// The label itself, zero-padded, or its place in `Trie::labels`.
    label: u64,
    parent: u32,
    /// The place of the child table; of a single child, the child.
    table: u32,
    /// 0 while the node is no topic.
    value: u32,
    fanout: u16,
    label_len: u8,
}

const _: () = assert!(size_of::<Node>() == 32);

impl Trie {
    /// The number of topics.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The node of this topic, made if need be. The caller gives it a value at
    /// once. `ENOMEM` leaves the map as it was.
    pub(super) fn insert(&mut self, topic: &[u8]) -> Result<u32> {
        if self.nodes.is_empty() {
            self.nodes.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            self.nodes.push(Node::default());
        }
        let (node, rest) = self.descend(topic);
        if rest.is_empty() {
            return Ok(node);
        }
        let child = self.child(node, rest[0]);
        self.reserve(node, child, rest.len())?;
        let Some(child) = child else {
            return Ok(self.append(node, rest));
        };
        let at = common_prefix(&self.label(child), rest);
        let upper = self.split(node, child, at);
        Ok(self.append(upper, &rest[at..]))
    }

    /// The node of this topic, if it is one.
    pub(super) fn find(&self, topic: &[u8]) -> Option<u32> {
        if self.nodes.is_empty() {
            return None;
        }
        let (node, rest) = self.descend(topic);
        (rest.is_empty() && self.value(node) != 0).then_some(node)
    }

    /// The value of a node, 0 if it is no topic (any more).
    pub(super) fn value(&self, node: u32) -> u32 {
        self.nodes.get(node as usize).map_or(0, |n| n.value)
    }

    /// Gives a topic a value other than 0. A topic's node stays the same until
    /// it is removed.
    pub(super) fn set_value(&mut self, node: u32, value: u32) {
        debug_assert!(value != 0);
        let new = self.value(node) == 0;
        self.nodes[node as usize].value = value;
        self.len += usize::from(new);
        if !new && !self.shortcut.is_built() {
            return;
        }
        let topic = self.short_topic(node);
        if new {
            self.shortcut.add(topic, self.len);
        }
        self.shortcut.set(topic, value, self.len);
        if self.shortcut.is_due(self.len) {
            self.build_shortcut();
        }
    }

    /// Removes the topic of this node.
    pub(super) fn remove(&mut self, mut node: u32) {
        debug_assert!(self.value(node) != 0);
        self.shortcut.remove(self.short_topic(node));
        self.nodes[node as usize].value = 0;
        self.len -= 1;
        if self.len == 0 {
            *self = Trie::default();
            return;
        }
        while node != ROOT && self.is_bare(node, 0) {
            let parent = self.nodes[node as usize].parent;
            let first = self.label(node)[0];
            self.remove_child(parent, first);
            self.free_label(node);
            self.free_node(node);
            node = parent;
        }
        if node != ROOT && self.is_bare(node, 1) {
            self.join_with_child(node);
        }
    }

    /// Calls `visit` with the value of every topic that `body` starts with, the
    /// shortest first, until it returns false.
    #[inline]
    pub(super) fn prefixes(&self, body: &[u8], mut visit: impl FnMut(u32) -> bool) {
        if self.shortcut.is_built() {
            return self.shortcut.prefixes(body, visit);
        }
        let Some(mut node) = self.nodes.first() else {
            return;
        };
        let mut rest = body;
        loop {
            if node.value != 0 && !visit(node.value) {
                return;
            }
            let Some(&first) = rest.first() else { return };
            let Some(child) = self.child_of(node, first) else {
                return;
            };
            node = &self.nodes[child as usize];
            match self.strip_label(node, rest) {
                Some(tail) => rest = tail,
                None => return,
            }
        }
    }

    /// Calls `visit` with every topic. `ENOMEM` when there is no memory to put
    /// the next one together.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        let mut topic = Vec::new();
        let (mut node, mut next) = (ROOT, 0);
        while !self.nodes.is_empty() {
            if next == 0 && self.value(node) != 0 {
                visit(&topic);
            }
            let this = &self.nodes[node as usize];
            if next < this.fanout as usize {
                node = self.children(this)[next];
                next = 0;
                let label = self.label(node);
                topic.try_reserve(label.len()).map_err(|_| Errno::ENOMEM)?;
                topic.extend_from_slice(&label);
            } else if node == ROOT {
                break;
            } else {
                topic.truncate(topic.len() - this.label_len as usize);
                let first = self.label(node)[0];
                node = this.parent;
                next = 1 + self.slot(&self.nodes[node as usize], first).unwrap_or(0);
            }
        }
        Ok(())
    }

    /// Writes the topic of a node over `topic`.
    pub(super) fn topic(&self, mut node: u32, topic: &mut Vec<u8>) {
        topic.clear();
        while node != ROOT {
            topic.extend(self.label(node).iter().rev());
            node = self.nodes[node as usize].parent;
        }
        topic.reverse();
    }

    /// The topic of a node, unless it is a long one.
    fn short_topic(&self, mut node: u32) -> Option<Key> {
        let mut topic = [0; LONGEST];
        let mut free = LONGEST;
        while node != ROOT {
            let this = &self.nodes[node as usize];
            let end = free;
            free = free.checked_sub(this.label_len as usize)?;
            topic[free..end].copy_from_slice(&self.label(node));
            node = this.parent;
        }
        Some(Key::new(&topic[free..]))
    }

    #[cold]
    fn build_shortcut(&mut self) {
        let mut shortcut = std::mem::take(&mut self.shortcut);
        let topics = (0..).zip(&self.nodes).filter(|(_, node)| node.value != 0);
        let topics = topics.filter_map(|(at, node)| Some((self.short_topic(at)?, node.value)));
        shortcut.build(self.len, topics);
        self.shortcut = shortcut;
    }

    /// The last node whose whole label `topic` contains, and what follows.
    fn descend<'a>(&self, topic: &'a [u8]) -> (u32, &'a [u8]) {
        let (mut node, mut rest) = (ROOT, topic);
        while let Some(&first) = rest.first()
            && let Some(child) = self.child(node, first)
            && let Some(tail) = self.strip_label(&self.nodes[child as usize], rest)
        {
            (node, rest) = (child, tail);
        }
        (node, rest)
    }

    /// What follows the node's label, if `bytes` starts with it.
    #[inline]
    fn strip_label<'a>(&self, node: &Node, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let len = node.label_len as usize;
        if len > MAX_INLINE {
            return bytes.strip_prefix(self.long_label(node));
        }
        let tail = bytes.get(len..)?;
        let head = match bytes.first_chunk() {
            Some(head) => u64::from_le_bytes(*head),
            None => inline_label(bytes),
        };
        // Labels have at least one byte, so the shift is less than 64.
        ((head ^ node.label) << (64 - 8 * len) == 0).then_some(tail)
    }

    fn label(&self, node: u32) -> Label {
        let node = &self.nodes[node as usize];
        let len = node.label_len as usize;
        let mut label = Label { bytes: [0; MAX_LABEL], len };
        if len > MAX_INLINE {
            label.bytes[..len].copy_from_slice(self.long_label(node));
        } else {
            label.bytes[..MAX_INLINE].copy_from_slice(&node.label.to_le_bytes());
        }
        label
    }

    fn long_label(&self, node: &Node) -> &[u8] {
        let start = node.label as usize * UNIT;
        &self.labels.items.as_flattened()[start..start + node.label_len as usize]
    }

    fn set_label(&mut self, node: u32, label: &[u8]) {
        debug_assert!((1..=MAX_LABEL).contains(&label.len()));
        let place = if label.len() <= MAX_INLINE {
            inline_label(label)
        } else {
            let place = self.labels.take(label_class(label.len()), label_units(label.len()));
            let start = place as usize * UNIT;
            self.labels.items.as_flattened_mut()[start..start + label.len()].copy_from_slice(label);
            u64::from(place)
        };
        let node = &mut self.nodes[node as usize];
        (node.label, node.label_len) = (place, label.len() as u8);
    }

    fn free_label(&mut self, node: u32) {
        let node = &self.nodes[node as usize];
        if node.label_len as usize > MAX_INLINE {
            self.labels.give_back(label_class(node.label_len as usize), node.label as u32);
        }
    }

    /// Whether a node is no topic and has this many children.
    fn is_bare(&self, node: u32, fanout: u16) -> bool {
        let node = &self.nodes[node as usize];
        node.value == 0 && node.fanout == fanout
    }

    /// Makes sure that splitting `child` or else adding one to `node`, and then
    /// appending `len` bytes, will find memory.
    fn reserve(&mut self, node: u32, child: Option<u32>, len: usize) -> Result<()> {
        let added = len.div_ceil(MAX_LABEL) + 1;
        if self.nodes.len().saturating_add(added) >= NONE as usize {
            return Err(Errno::ENOMEM);
        }
        self.nodes.try_reserve(added).map_err(|_| Errno::ENOMEM)?;
        let halves =
            child.map_or(0, |child| 2 * label_units(self.nodes[child as usize].label_len as usize));
        let chain = len / MAX_LABEL * label_units(MAX_LABEL) + label_units(len % MAX_LABEL);
        // Less than that when the chain begins behind a split: a shorter rest
        // never takes more units, as the last one's class only sinks with it.
        self.labels.reserve(halves + chain)?;
        self.reserve_tables(node)
    }

    /// Adds a chain of nodes for `rest` and returns its end.
    fn append(&mut self, mut node: u32, rest: &[u8]) -> u32 {
        for label in rest.chunks(MAX_LABEL) {
            let child = self.new_node(node);
            self.set_label(child, label);
            self.add_child(node, label[0], child);
            node = child;
        }
        node
    }

    /// Cuts the label of `child` after `at` bytes; returns the new upper node.
    fn split(&mut self, parent: u32, child: u32, at: usize) -> u32 {
        let label = self.label(child);
        self.free_label(child);
        let upper = self.new_node(parent);
        self.set_label(upper, &label[..at]);
        self.set_label(child, &label[at..]);
        self.nodes[child as usize].parent = upper;
        self.replace_child(parent, label[0], upper);
        self.add_child(upper, label[at], child);
        upper
    }

    /// Removes a node that has only one child by lengthening the child's label,
    /// unless that became too long.
    fn join_with_child(&mut self, node: u32) {
        let child = self.nodes[node as usize].table;
        let (upper, lower) = (self.label(node), self.label(child));
        let len = upper.len + lower.len;
        if len > MAX_LABEL {
            return;
        }
        let mut label = [0; MAX_LABEL];
        label[..upper.len].copy_from_slice(&upper);
        label[upper.len..len].copy_from_slice(&lower);
        // A run of units may be missing for the longer label; then the two
        // nodes stay as they are, which is correct as well.
        if self.labels.reserve(label_units(len)).is_err() {
            return;
        }
        self.free_label(node);
        self.free_label(child);
        self.set_label(child, &label[..len]);
        let parent = self.nodes[node as usize].parent;
        self.nodes[child as usize].parent = parent;
        self.replace_child(parent, label[0], child);
        self.free_node(node);
    }

    fn new_node(&mut self, parent: u32) -> u32 {
        let fresh = Node { parent, ..Node::default() };
        match self.free_node {
            Some(node) => {
                let next = self.nodes[node as usize].table;
                self.free_node = (next != NONE).then_some(next);
                self.nodes[node as usize] = fresh;
                node
            }
            None => {
                self.nodes.push(fresh);
                (self.nodes.len() - 1) as u32
            }
        }
    }

    fn free_node(&mut self, node: u32) {
        self.nodes[node as usize] =
            Node { table: self.free_node.unwrap_or(NONE), ..Node::default() };
        self.free_node = Some(node);
    }
}

/// A copy of a node's label.
struct Label {
    bytes: [u8; MAX_LABEL],
    len: usize,
}

impl Deref for Label {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The first bytes as they are kept in a node.
fn inline_label(bytes: &[u8]) -> u64 {
    let mut label = [0; MAX_INLINE];
    let len = bytes.len().min(MAX_INLINE);
    label[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(label)
}

/// The class of the run that a label of this length needs outside its node.
fn label_class(len: usize) -> usize {
    len.div_ceil(UNIT).next_power_of_two().trailing_zeros() as usize
}

/// The length of that run; a label in its node needs none.
fn label_units(len: usize) -> usize {
    if len <= MAX_INLINE { 0 } else { 1 << label_class(len) }
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
