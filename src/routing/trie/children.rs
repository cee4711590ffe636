//! How a node finds its children by their first byte. A single child stands in
//! the node itself; up to eight are found by their first bytes in
//! [`Node::keys`], all compared at once; more by a bitmap at the head of the
//! child table, with the number of children before each of its words in the
//! keys. The table's nodes are sorted by first byte.

use super::{Node, Trie, inline_label};
use crate::error::Result;

/// Nodes with more children find them by bitmap.
const MAX_SMALL: usize = 8;
/// The words of the bitmap at the head of a large child table.
const BITMAP: usize = 8;
/// The words of a child table for up to 2, 4, 8, … 256 children.
const TABLE_SIZES: [usize; 8] = [2, 4, 8, 24, 40, 72, 136, 264];

impl Trie {
    /// Makes sure that giving `node` one child more, and another node two, will
    /// find memory.
    pub(super) fn reserve_tables(&mut self, node: u32) -> Result<()> {
        let fanout = self.nodes[node as usize].fanout as usize;
        self.tables.reserve(TABLE_SIZES[table_class((fanout + 1).min(256))] + TABLE_SIZES[0])
    }

    pub(super) fn child(&self, node: u32, first: u8) -> Option<u32> {
        self.child_of(&self.nodes[node as usize], first)
    }

    #[inline]
    pub(super) fn child_of(&self, node: &Node, first: u8) -> Option<u32> {
        let slot = self.slot(node, first)?;
        Some(match node.fanout as usize {
            1 => node.table,
            2..=MAX_SMALL => self.tables.items[node.table as usize + slot],
            _ => self.tables.items[node.table as usize + BITMAP + slot],
        })
    }

    /// The place of the child with this first byte among its siblings.
    #[inline]
    pub(super) fn slot(&self, node: &Node, first: u8) -> Option<usize> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let fanout = node.fanout as usize;
        if fanout <= MAX_SMALL {
            // Finds the lowest zero byte of `difference` exactly; unused keys
            // lie above the used ones.
            let difference = node.keys ^ (ONES * u64::from(first));
            let zeros = difference.wrapping_sub(ONES) & !difference & (ONES << 7);
            let slot = zeros.trailing_zeros() as usize / 8;
            return (slot < fanout).then_some(slot);
        }
        let (word, bit) = (first as usize / 32, first % 32);
        let bits = self.tables.items[node.table as usize + word];
        let before = (node.keys >> (8 * word)) as usize & 0xff;
        (bits >> bit & 1 != 0).then(|| before + (bits & ((1 << bit) - 1)).count_ones() as usize)
    }

    pub(super) fn children<'a>(&'a self, node: &'a Node) -> &'a [u32] {
        let (table, fanout) = (node.table as usize, node.fanout as usize);
        match fanout {
            0 => &[],
            1 => std::slice::from_ref(&node.table),
            2..=MAX_SMALL => &self.tables.items[table..table + fanout],
            _ => &self.tables.items[table + BITMAP..table + BITMAP + fanout],
        }
    }

    pub(super) fn replace_child(&mut self, node: u32, first: u8, child: u32) {
        let this = &self.nodes[node as usize];
        let Some(slot) = self.slot(this, first) else {
            return;
        };
        let table = this.table as usize;
        match this.fanout as usize {
            1 => self.nodes[node as usize].table = child,
            2..=MAX_SMALL => self.tables.items[table + slot] = child,
            _ => self.tables.items[table + BITMAP + slot] = child,
        }
    }

    pub(super) fn add_child(&mut self, node: u32, first: u8, child: u32) {
        self.change_children(node, |children| children.insert(first, child));
    }

    pub(super) fn remove_child(&mut self, node: u32, first: u8) {
        self.change_children(node, |children| children.remove(first));
    }

    /// Writes the child table anew: at most 256 children, and only for changes,
    /// so the simple way will do.
    fn change_children(&mut self, node: u32, change: impl FnOnce(&mut Children)) {
        let this = self.nodes[node as usize];
        let mut children = Children::new();
        children.len = this.fanout as usize;
        children.nodes[..children.len].copy_from_slice(self.children(&this));
        if children.len <= MAX_SMALL {
            children.firsts[..MAX_SMALL].copy_from_slice(&this.keys.to_le_bytes());
        } else {
            let bitmap = &self.tables.items[this.table as usize..][..BITMAP];
            let set = (0..=u8::MAX).filter(|&b| bitmap[b as usize / 32] >> (b % 32) & 1 != 0);
            for (first, byte) in children.firsts.iter_mut().zip(set) {
                *first = byte;
            }
        }
        change(&mut children);
        if this.fanout > 1 {
            let class = table_class(this.fanout as usize);
            self.tables.give_back(class, this.table);
        }
        let (keys, table) = self.write_table(&children);
        let this = &mut self.nodes[node as usize];
        (this.keys, this.table, this.fanout) = (keys, table, children.len as u16);
    }

    /// Returns the keys and the place of a new child table.
    fn write_table(&mut self, children: &Children) -> (u64, u32) {
        let (firsts, nodes) = (&children.firsts[..children.len], &children.nodes[..children.len]);
        if nodes.len() <= MAX_SMALL {
            let keys = inline_label(firsts);
            if nodes.len() <= 1 {
                return (keys, children.nodes[0]);
            }
            let class = table_class(nodes.len());
            let table = self.tables.take(class, TABLE_SIZES[class]);
            self.tables.items[table as usize..][..nodes.len()].copy_from_slice(nodes);
            return (keys, table);
        }
        let class = table_class(nodes.len());
        let table = self.tables.take(class, TABLE_SIZES[class]);
        let (bitmap, places) = self.tables.items[table as usize..].split_at_mut(BITMAP);
        bitmap.fill(0);
        for &first in firsts {
            bitmap[first as usize / 32] |= 1 << (first % 32);
        }
        places[..nodes.len()].copy_from_slice(nodes);
        let (mut keys, mut before) = (0, 0);
        for (word, bits) in bitmap.iter().enumerate() {
            // At most 224, seven full words.
            keys |= u64::from(before) << (8 * word);
            before += bits.count_ones();
        }
        (keys, table)
    }
}

/// A node's children while they change: sorted by their first byte if they are
/// many.
struct Children {
    firsts: [u8; 256],
    nodes: [u32; 256],
    len: usize,
}

impl Children {
    fn new() -> Children {
        Children { firsts: [0; 256], nodes: [0; 256], len: 0 }
    }

    fn insert(&mut self, first: u8, node: u32) {
        let at = self.firsts[..self.len].partition_point(|f| *f < first);
        self.firsts.copy_within(at..self.len, at + 1);
        self.nodes.copy_within(at..self.len, at + 1);
        (self.firsts[at], self.nodes[at]) = (first, node);
        self.len += 1;
    }

    fn remove(&mut self, first: u8) {
        let at = self.firsts[..self.len].partition_point(|f| *f < first);
        self.firsts.copy_within(at + 1..self.len, at);
        self.nodes.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }
}

/// The class of the table for this many children, 2 at least.
fn table_class(fanout: usize) -> usize {
    (fanout.max(2).next_power_of_two().trailing_zeros() - 1) as usize
}
