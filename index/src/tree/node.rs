//! Inner nodes of the tree. Nodes are immutable: an edit copies the path from the root and shares all other
//! nodes.

use std::{cmp::Ordering, sync::Arc};

use arrayvec::ArrayVec;

use super::{
    Point,
    bitset::{PAGE_SIZE, set_bits},
    bloom::{NameBloom, NameColumn, TermBloom, TermColumn},
    bounding_boxes::{Aabb, BoundingBoxes, MAX_CHILDREN},
    bulk_load::{Located, sort_into_parts},
    page::{EditOutcome, Page, Slot},
    {NODE_FILL, PAGE_FILL},
};
use crate::{Ecef, Merchant, NamesOf, text::for_each_feature};

/// A node of up to [`MAX_CHILDREN`] children, either all nodes or all pages.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    boxes: BoundingBoxes<MAX_CHILDREN>,
    children: ArrayVec<Child, MAX_CHILDREN>,
    bloom: TermBloom,
    /// Largest reach of the service areas below each child; absent if there are none.
    reaches: Option<Box<Reaches>>,
    /// Features of names; only of a node whose children are pages.
    names: NameBloom,
    visible_len: usize,
    has_limited: bool,
}

/// Reaches in metres, rounded up; 0 where no merchant has a service area.
pub(crate) type Reaches = [f32; MAX_CHILDREN];

/// A child of a node.
#[derive(Clone, Debug)]
pub(crate) enum Child {
    Node(Arc<Node>),
    Page(Page),
}

/// An edit, and the path to the page it applies to: the index of the child in each node from the root.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) path: ChildPath,
    pub(super) kind: EditKind,
}

/// Longer than the height of any tree with a fan-out of 32.
pub(super) type ChildPath = [u8; 8];

#[derive(Debug)]
pub(super) enum EditKind {
    Remove(Slot),
    Add(Point),
}

impl Node {
    /// Creates a node of at least one and at most [`MAX_CHILDREN`] children.
    pub(super) fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        let (mut children, columns): (ArrayVec<Child, MAX_CHILDREN>, ArrayVec<_, MAX_CHILDREN>) =
            parts.into_iter().map(|part| (part.child, part.columns)).unzip();
        let extents: ArrayVec<Aabb, MAX_CHILDREN> = children.iter().map(Child::extent).collect();
        let (boxes, mut bloom, mut visible_len) = (BoundingBoxes::new(&extents), TermBloom::default(), 0);
        let mut names = NameBloom::default();
        for (number, child) in children.iter_mut().enumerate() {
            match &columns[number] {
                Some((terms, of_names)) => {
                    bloom.add_column(number, terms);
                    names.add_column(number, of_names);
                }
                None => {
                    child.add_terms_to(number, &mut bloom);
                    child.add_names_to(number, &mut names);
                }
            }
            visible_len += child.visible_len();
        }
        let reaches = reaches_of(&children);
        let has_limited = children.iter().any(Child::has_limited);
        Self { boxes, children, bloom, names, reaches, visible_len, has_limited }
    }

    /// Groups children into as few nodes as reasonable.
    pub(super) fn group(parts: Vec<Part>) -> Vec<Arc<Self>> {
        if parts.is_empty() {
            return Vec::new();
        }
        if parts.len() <= MAX_CHILDREN {
            return vec![Arc::new(Self::new(parts))];
        }
        let mut parts: Vec<CenteredPart> = parts.into_iter().map(CenteredPart::from).collect();
        let nodes = parts.len().div_ceil(NODE_FILL);
        let sizes = sort_into_parts(&mut parts, nodes);
        let mut entries = parts.into_iter().map(|placement| placement.part);
        sizes.into_iter().map(|size| Arc::new(Self::new(entries.by_ref().take(size)))).collect()
    }

    #[inline(always)]
    pub(crate) fn boxes(&self) -> &BoundingBoxes<MAX_CHILDREN> {
        &self.boxes
    }

    #[inline(always)]
    pub(crate) fn children(&self) -> &[Child] {
        &self.children
    }

    /// Returns all children, one bit each.
    #[inline(always)]
    pub(crate) fn all(&self) -> u64 {
        u64::MAX >> (64 - self.children.len())
    }

    pub(crate) fn bloom(&self) -> &TermBloom {
        &self.bloom
    }

    /// Returns the reaches of the service areas below the children, if there are any.
    pub(crate) fn reaches(&self) -> Option<&Reaches> {
        self.reaches.as_deref()
    }

    pub(crate) fn names(&self) -> &NameBloom {
        &self.names
    }

    /// Returns the number of visible merchants below.
    pub(crate) fn visible_len(&self) -> usize {
        self.visible_len
    }

    /// Returns whether the validity of a visible merchant below is limited.
    pub(crate) fn has_limited(&self) -> bool {
        self.has_limited
    }

    fn extent(&self) -> Aabb {
        self.extents().iter().fold(Aabb::EMPTY, Aabb::with)
    }

    fn extents(&self) -> ArrayVec<Aabb, MAX_CHILDREN> {
        (0..self.children.len()).map(|number| self.boxes.get(number)).collect()
    }

    /// Finds the path to this exact version of a merchant.
    pub(super) fn find(&self, point: &Point, depth: usize) -> Option<(ChildPath, Slot)> {
        let among = self.boxes.containing(point.position) & self.all();
        set_bits(among).find_map(|number| {
            let (mut path, slot) = match &self.children[number] {
                Child::Node(node) => node.find(point, depth + 1)?,
                Child::Page(page) => (ChildPath::default(), page.find(point)?),
            };
            path[depth] = step(number);
            Some((path, slot))
        })
    }

    /// Returns the path to the page for a new point: at each node, the child that needs to grow the least.
    pub(super) fn choose_page(&self, position: Ecef) -> ChildPath {
        let (mut path, mut node) = (ChildPath::default(), self);
        for way in &mut path {
            let growth_and_margin_m = node.boxes.growth_and_margin_m(position);
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

    /// Applies edits, sorted by path. Returns no node if the result is empty, and several if it has grown too
    /// large.
    pub(super) fn with_edits(&self, depth: usize, edits: &[Edit]) -> Vec<Arc<Self>> {
        let edited: Vec<(usize, &[Edit], Vec<Child>)> = edits
            .chunk_by(|a, b| a.path[depth] == b.path[depth])
            .map(|edits| {
                let number = usize::from(edits[0].path[depth]);
                (number, edits, self.children[number].with_edits(depth + 1, edits))
            })
            .collect();
        let keeps_shape = edited.iter().all(|(number, _, now)| match now.as_slice() {
            [child] => !child.is_underfull() || child.size() >= self.children[*number].size(),
            _ => false,
        });
        if keeps_shape {
            return vec![Arc::new(self.with_replaced(edited))];
        }
        let mut replaced = edited.into_iter().map(|(number, _, now)| (number, now)).peekable();
        let mut parts = Vec::with_capacity(MAX_CHILDREN);
        for (number, child) in self.children.iter().enumerate() {
            match replaced.next_if(|(replaced, _)| *replaced == number) {
                Some((_, now)) => parts.extend(now.into_iter().map(Part::from)),
                None => parts.push(self.part(number, child)),
            }
        }
        Self::group(merge_small(parts))
    }

    /// Carries over an unchanged child. The terms and names of a page are already known from the Bloom
    /// filters, so its merchants need not be read.
    fn part(&self, number: usize, child: &Child) -> Part {
        let columns =
            matches!(child, Child::Page(_)).then(|| (self.bloom.column(number), self.names.column(number)));
        Part { child: child.clone(), columns }
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        self.children.iter().enumerate().map(|(number, child)| self.part(number, child))
    }

    /// Returns the same node with some children replaced one for one.
    fn with_replaced(&self, edited: Vec<(usize, &[Edit], Vec<Child>)>) -> Self {
        let mut node = self.clone();
        for (number, edits, now) in edited {
            for mut child in now {
                if !node.boxes.set(number, &child.extent()) {
                    let mut extents = node.extents();
                    extents[number] = child.extent();
                    node.boxes = BoundingBoxes::new(&extents);
                }
                node.visible_len =
                    node.visible_len + child.visible_len() - self.children[number].visible_len();
                let is_repacked = matches!(&child, Child::Page(page) if page.recent().is_none());
                if is_repacked {
                    node.bloom.clear(number);
                    child.add_terms_to(number, &mut node.bloom);
                    node.names.clear(number);
                    child.add_names_to(number, &mut node.names);
                } else {
                    // Terms that are gone from a node below stay in the filter until this node is rebuilt: a
                    // false positive, never a miss.
                    node.bloom.add(number, edits.iter().flat_map(Edit::term_hashes));
                    if let Child::Page(page) = &child
                        && let Some(names) = page.names()
                    {
                        node.names.add_column(number, &added_names(edits, names));
                    }
                }
                node.children[number] = child;
            }
        }
        node.reaches = reaches_of(&node.children);
        node.has_limited = node.children.iter().any(Child::has_limited);
        node
    }
}

fn reaches_of(children: &[Child]) -> Option<Box<Reaches>> {
    let mut reaches = [0.0; MAX_CHILDREN];
    reaches.iter_mut().zip(children).for_each(|(reach_m, child)| *reach_m = child.reach_m());
    reaches.iter().any(|reach_m| *reach_m > 0.0).then(|| Box::new(reaches))
}

/// Reads the features of the names of added merchants.
fn added_names(edits: &[Edit], names: NamesOf) -> NameColumn {
    let mut column = NameColumn::default();
    for edit in edits {
        if let EditKind::Add(point) = &edit.kind {
            for_each_feature(&point.stored.merchant.profile, names, |feature| column.add(feature));
        }
    }
    column
}

fn step(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl Edit {
    fn term_hashes(&self) -> impl Iterator<Item = u64> {
        let added = match &self.kind {
            EditKind::Add(point) => Some(&point.stored.merchant),
            EditKind::Remove(_) => None,
        };
        added.into_iter().flat_map(Merchant::indexed_hashes)
    }
}

impl Child {
    pub(super) fn extent(&self) -> Aabb {
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

    fn reach_m(&self) -> f32 {
        match self {
            Self::Node(node) => {
                node.reaches.iter().flat_map(|reaches| reaches.iter()).copied().fold(0.0, f32::max)
            }
            Self::Page(page) => page.reach_m(),
        }
    }

    /// Returns whether the validity of a visible merchant below is limited.
    pub(crate) fn has_limited(&self) -> bool {
        match self {
            Self::Node(node) => node.has_limited,
            Self::Page(page) => page.has_limited(),
        }
    }

    fn add_terms_to(&self, number: usize, bloom: &mut TermBloom) {
        match self {
            Self::Node(node) => bloom.add_all(number, &node.bloom),
            Self::Page(page) => bloom.add(number, page.term_hashes()),
        }
    }

    /// Adds the features of the names in a page. Takes them from the packing of the page, if it is the last thing that
    /// has happened to it.
    fn add_names_to(&mut self, number: usize, names: &mut NameBloom) {
        if let Self::Page(page) = self {
            if let Some(column) = page.take_fresh_names() {
                names.add_column(number, &column);
            } else if let Some(column) = page.name_column() {
                names.add_column(number, &column);
            }
        }
    }

    /// Returns the number of children of a node or of merchants of a page.
    fn size(&self) -> usize {
        match self {
            Self::Node(node) => node.children.len(),
            Self::Page(page) => page.len(),
        }
    }

    /// Returns the size to which new nodes or pages are filled.
    fn target_size(&self) -> usize {
        match self {
            Self::Node(_) => NODE_FILL,
            Self::Page(_) => PAGE_FILL,
        }
    }

    /// Returns whether the child should be merged with a neighbour.
    fn is_underfull(&self) -> bool {
        self.size() < self.target_size() / 4
    }

    fn with_edits(&self, depth: usize, edits: &[Edit]) -> Vec<Self> {
        match self {
            Self::Node(node) => node.with_edits(depth, edits).into_iter().map(Self::Node).collect(),
            Self::Page(page) => {
                let removed: Vec<Slot> = edits
                    .iter()
                    .filter_map(|edit| match &edit.kind {
                        EditKind::Remove(slot) => Some(*slot),
                        EditKind::Add(_) => None,
                    })
                    .collect();
                let added = edits.iter().filter_map(|edit| match &edit.kind {
                    EditKind::Remove(_) => None,
                    EditKind::Add(point) => Some(point.clone()),
                });
                match page.with_edits(&removed, added.collect()) {
                    EditOutcome::Page(page) => vec![Self::Page(page)],
                    EditOutcome::Repack(points) => pages(points, page.names()),
                }
            }
        }
    }

    fn merged(&self, other: &Self) -> Vec<Self> {
        match (self, other) {
            (Self::Node(a), Self::Node(b)) => {
                Node::group(a.parts().chain(b.parts()).collect()).into_iter().map(Self::Node).collect()
            }
            (Self::Page(a), Self::Page(b)) => pages(a.points().chain(b.points()).collect(), a.names()),
            // Unreachable: all children of a node are of one kind.
            _ => vec![self.clone(), other.clone()],
        }
    }
}

/// Packs points into as few pages as reasonable.
pub(super) fn pages(mut points: Vec<Point>, names: Option<NamesOf>) -> Vec<Child> {
    if points.is_empty() {
        return Vec::new();
    }
    let parts = if points.len() <= PAGE_SIZE { 1 } else { points.len().div_ceil(PAGE_FILL) };
    let mut rest = points.as_mut_slice();
    sort_into_parts(rest, parts)
        .into_iter()
        .map(|size| {
            let (part, others) = std::mem::take(&mut rest).split_at_mut(size);
            rest = others;
            Child::Page(Page::pack(part, names))
        })
        .collect()
}

/// Merges each underfull child with its nearest neighbour, if both fit together.
fn merge_small(mut parts: Vec<Part>) -> Vec<Part> {
    let mut number = 0;
    while number < parts.len() {
        match merge_partner(&parts, number) {
            Some(other) => {
                let joined = parts[number].child.merged(&parts[other].child);
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

/// Returns the child to merge an underfull child with.
fn merge_partner(parts: &[Part], number: usize) -> Option<usize> {
    let child = &parts[number].child;
    if !child.is_underfull() {
        return None;
    }
    let from_m = child.extent().center_m();
    let distance2 = |other: &usize| {
        let to_m = parts[*other].child.extent().center_m();
        (0..3).map(|axis| (from_m[axis] - to_m[axis]) * (from_m[axis] - to_m[axis])).sum::<f64>()
    };
    let fits =
        |other: &usize| *other != number && parts[*other].child.size() + child.size() <= child.target_size();
    (0..parts.len()).filter(fits).min_by(|a, b| distance2(a).total_cmp(&distance2(b)))
}

/// A child, and its Bloom filters if they are known from the previous node.
pub(super) struct Part {
    child: Child,
    columns: Option<(TermColumn, NameColumn)>,
}

impl From<Child> for Part {
    fn from(child: Child) -> Self {
        Self { child, columns: None }
    }
}

/// A child and the centre of its box.
struct CenteredPart {
    center_m: [f64; 3],
    part: Part,
}

impl From<Part> for CenteredPart {
    fn from(part: Part) -> Self {
        Self { center_m: part.child.extent().center_m(), part }
    }
}

impl Located for CenteredPart {
    fn position_m(&self) -> [f64; 3] {
        self.center_m
    }

    fn tie_break(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}
