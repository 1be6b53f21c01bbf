//! What lies above the pages. A node never changes: an edit makes new ones along the way and shares all others.

use std::{cmp::Ordering, sync::Arc};

use arrayvec::ArrayVec;

use super::{
    Point,
    bitset::{PAGE, ones},
    bloom::{Column, Summary},
    bounding_boxes::{Boxes, Extent, FAN},
    bulk_load::{Placed, into_parts},
    page::{Edited, Page, Slot},
    {NODE_LOAD, PAGE_LOAD},
};
use crate::Ecef;

/// Up to [`FAN`] children, all nodes or all pages.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    boxes: Boxes<FAN>,
    children: ArrayVec<Child, FAN>,
    summary: Summary,
    visible_len: usize,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Child {
    Node(Arc<Node>),
    Page(Page),
}

/// One edit of a tree, and the way to the page that it is for: the number of the child in each node from the root.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) path: Path,
    pub(super) what: What,
}

/// A tree of 32 children a node is never as high as this.
pub(super) type Path = [u8; 8];

#[derive(Debug)]
pub(super) enum What {
    Remove(Slot),
    Add(Point),
}

impl Node {
    /// A node of at least one and at most [`FAN`] children.
    pub(super) fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        let (children, columns): (ArrayVec<Child, FAN>, ArrayVec<Option<Column>, FAN>) =
            parts.into_iter().map(|part| (part.child, part.column)).unzip();
        let extents: ArrayVec<Extent, FAN> = children.iter().map(Child::extent).collect();
        let (boxes, mut summary, mut visible_len) = (Boxes::new(&extents), Summary::default(), 0);
        for (number, child) in children.iter().enumerate() {
            match &columns[number] {
                Some(column) => summary.add_column(number, column),
                None => child.summarise(number, &mut summary),
            }
            visible_len += child.visible_len();
        }
        Self { boxes, children, summary, visible_len }
    }

    /// Nodes of many children, as few as make sense.
    pub(super) fn group(parts: Vec<Part>) -> Vec<Arc<Self>> {
        if parts.is_empty() {
            return Vec::new();
        }
        if parts.len() <= FAN {
            return vec![Arc::new(Self::new(parts))];
        }
        let mut parts: Vec<Placement> = parts.into_iter().map(Placement::from).collect();
        let nodes = parts.len().div_ceil(NODE_LOAD);
        let sizes = into_parts(&mut parts, nodes);
        let mut entries = parts.into_iter().map(|placement| placement.part);
        sizes.into_iter().map(|size| Arc::new(Self::new(entries.by_ref().take(size)))).collect()
    }

    #[inline(always)]
    pub(crate) fn boxes(&self) -> &Boxes<FAN> {
        &self.boxes
    }

    #[inline(always)]
    pub(crate) fn children(&self) -> &[Child] {
        &self.children
    }

    /// All children, one bit each.
    #[inline(always)]
    pub(crate) fn all(&self) -> u64 {
        u64::MAX >> (64 - self.children.len())
    }

    pub(crate) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Merchants below that can be seen.
    pub(crate) fn visible_len(&self) -> usize {
        self.visible_len
    }

    fn extent(&self) -> Extent {
        self.extents().iter().fold(Extent::NOTHING, Extent::with)
    }

    fn extents(&self) -> ArrayVec<Extent, FAN> {
        (0..self.children.len()).map(|number| self.boxes.get(number)).collect()
    }

    /// The way to this very version of a merchant.
    pub(super) fn find(&self, point: &Point, depth: usize) -> Option<(Path, Slot)> {
        let among = self.boxes.containing(point.place) & self.all();
        ones(among).find_map(|number| {
            let (mut path, slot) = match &self.children[number] {
                Child::Node(node) => node.find(point, depth + 1)?,
                Child::Page(page) => (Path::default(), page.find(point)?),
            };
            path[depth] = step(number);
            Some((path, slot))
        })
    }

    /// The way to the page that a new point is best put in: at each node to the child that has to grow the least.
    pub(super) fn choose(&self, place: Ecef) -> Path {
        let (mut path, mut node) = (Path::default(), self);
        for way in &mut path {
            let growth_and_margin_m = node.boxes.growth_and_margin_m(place);
            let number = (1..node.children.len()).fold(0, |best, number| {
                if growth_and_margin_m[number] < growth_and_margin_m[best] { number } else { best }
            });
            *way = step(number);
            match &node.children[number] {
                Child::Node(below) => node = below,
                Child::Page(_) => break,
            }
        }
        path
    }

    /// What becomes of this node by edits, which are sorted by their paths: none where it is empty, several where it
    /// has grown too large.
    pub(super) fn edited(&self, depth: usize, edits: &[Edit]) -> Vec<Arc<Self>> {
        let edited: Vec<(usize, &[Edit], Vec<Child>)> = edits
            .chunk_by(|a, b| a.path[depth] == b.path[depth])
            .map(|edits| {
                let number = usize::from(edits[0].path[depth]);
                (number, edits, self.children[number].edited(depth + 1, edits))
            })
            .collect();
        let keeps_shape = edited.iter().all(|(number, _, now)| match now.as_slice() {
            [child] => !child.is_small() || child.size() >= self.children[*number].size(),
            _ => false,
        });
        if keeps_shape {
            return vec![Arc::new(self.patched(edited))];
        }
        let mut replaced = edited.into_iter().map(|(number, _, now)| (number, now)).peekable();
        let mut parts = Vec::with_capacity(FAN);
        for (number, child) in self.children.iter().enumerate() {
            match replaced.next_if(|(replaced, _)| *replaced == number) {
                Some((_, now)) => parts.extend(now.into_iter().map(Part::from)),
                None => parts.push(self.part(number, child)),
            }
        }
        Self::group(merge_small(parts))
    }

    /// A child that stays as it is. What a page has is known: no need to ask all its merchants again.
    fn part(&self, number: usize, child: &Child) -> Part {
        let column = matches!(child, Child::Page(_)).then(|| self.summary.column(number));
        Part { child: child.clone(), column }
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        self.children.iter().enumerate().map(|(number, child)| self.part(number, child))
    }

    /// The same node with some children replaced, one for one.
    fn patched(&self, edited: Vec<(usize, &[Edit], Vec<Child>)>) -> Self {
        let mut node = self.clone();
        for (number, edits, now) in edited {
            for child in now {
                if !node.boxes.set(number, &child.extent()) {
                    let mut extents = node.extents();
                    extents[number] = child.extent();
                    node.boxes = Boxes::new(&extents);
                }
                node.visible_len =
                    node.visible_len + child.visible_len() - self.children[number].visible_len();
                let is_packed_anew = matches!(&child, Child::Page(page) if page.recent().is_none());
                if is_packed_anew {
                    node.summary.clear(number);
                    child.summarise(number, &mut node.summary);
                } else {
                    // What is gone from a node below stays in its summary until the node is made anew.
                    node.summary.add(number, edits.iter().flat_map(Edit::term_hashes));
                }
                node.children[number] = child;
            }
        }
        node
    }
}

fn step(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl Edit {
    fn term_hashes(&self) -> impl Iterator<Item = u64> {
        let added = match &self.what {
            What::Add(point) => point.stored.merchant.terms.as_slice(),
            What::Remove(_) => &[],
        };
        added.iter().map(|term| term.hash())
    }
}

impl Child {
    pub(super) fn extent(&self) -> Extent {
        match self {
            Self::Node(node) => node.extent(),
            Self::Page(page) => page.extent(),
        }
    }

    pub(crate) fn visible_len(&self) -> usize {
        match self {
            Self::Node(node) => node.visible_len,
            Self::Page(page) => page.visible_len(),
        }
    }

    fn summarise(&self, number: usize, summary: &mut Summary) {
        match self {
            Self::Node(node) => summary.add_all(number, &node.summary),
            Self::Page(page) => summary.add(number, page.term_hashes()),
        }
    }

    /// Children of a node, merchants of a page.
    fn size(&self) -> usize {
        match self {
            Self::Node(node) => node.children.len(),
            Self::Page(page) => page.len(),
        }
    }

    /// How large one should be that is made anew.
    fn load(&self) -> usize {
        match self {
            Self::Node(_) => NODE_LOAD,
            Self::Page(_) => PAGE_LOAD,
        }
    }

    /// Whether it should be joined with a neighbour.
    fn is_small(&self) -> bool {
        self.size() < self.load() / 4
    }

    fn edited(&self, depth: usize, edits: &[Edit]) -> Vec<Self> {
        match self {
            Self::Node(node) => node.edited(depth, edits).into_iter().map(Self::Node).collect(),
            Self::Page(page) => {
                let removed: Vec<Slot> = edits
                    .iter()
                    .filter_map(|edit| match &edit.what {
                        What::Remove(slot) => Some(*slot),
                        What::Add(_) => None,
                    })
                    .collect();
                let added = edits.iter().filter_map(|edit| match &edit.what {
                    What::Remove(_) => None,
                    What::Add(point) => Some(point.clone()),
                });
                match page.edited(&removed, added.collect()) {
                    Edited::Page(page) => vec![Self::Page(page)],
                    Edited::Points(points) => pages(points),
                }
            }
        }
    }

    fn joined(&self, other: &Self) -> Vec<Self> {
        match (self, other) {
            (Self::Node(a), Self::Node(b)) => {
                Node::group(a.parts().chain(b.parts()).collect()).into_iter().map(Self::Node).collect()
            }
            (Self::Page(a), Self::Page(b)) => pages(a.points().chain(b.points()).collect()),
            // Never: all children of a node are of one kind.
            _ => vec![self.clone(), other.clone()],
        }
    }
}

/// Points packed into as few pages as make sense.
pub(super) fn pages(mut points: Vec<Point>) -> Vec<Child> {
    if points.is_empty() {
        return Vec::new();
    }
    let parts = if points.len() <= PAGE { 1 } else { points.len().div_ceil(PAGE_LOAD) };
    let mut rest = points.as_mut_slice();
    into_parts(rest, parts)
        .into_iter()
        .map(|size| {
            let (part, others) = std::mem::take(&mut rest).split_at_mut(size);
            rest = others;
            Child::Page(Page::pack(part))
        })
        .collect()
}

/// Joins each small child with its nearest neighbour, where the two are not too large together.
fn merge_small(mut parts: Vec<Part>) -> Vec<Part> {
    let mut number = 0;
    while number < parts.len() {
        match neighbour(&parts, number) {
            Some(other) => {
                let joined = parts[number].child.joined(&parts[other].child);
                parts.swap_remove(number.max(other));
                parts.swap_remove(number.min(other));
                parts.extend(joined.into_iter().map(Part::from));
                number = 0;
            }
            None => number += 1,
        }
    }
    parts
}

/// What a small child is to be joined with.
fn neighbour(parts: &[Part], number: usize) -> Option<usize> {
    let child = &parts[number].child;
    if !child.is_small() {
        return None;
    }
    let from_m = child.extent().centre_m();
    let distance2 = |other: &usize| {
        let to_m = parts[*other].child.extent().centre_m();
        (0..3).map(|axis| (from_m[axis] - to_m[axis]) * (from_m[axis] - to_m[axis])).sum::<f64>()
    };
    let fits = |other: &usize| *other != number && parts[*other].child.size() + child.size() <= child.load();
    (0..parts.len()).filter(fits).min_by(|a, b| distance2(a).total_cmp(&distance2(b)))
}

/// A child, and what a summary said of it if one did.
pub(super) struct Part {
    child: Child,
    column: Option<Column>,
}

impl From<Child> for Part {
    fn from(child: Child) -> Self {
        Self { child, column: None }
    }
}

/// A child and where its middle is.
struct Placement {
    centre_m: [f64; 3],
    part: Part,
}

impl From<Part> for Placement {
    fn from(part: Part) -> Self {
        Self { centre_m: part.child.extent().centre_m(), part }
    }
}

impl Placed for Placement {
    fn at_m(&self) -> [f64; 3] {
        self.centre_m
    }

    fn on_one_place(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}
