//! Several immutable trees that together hold all points.

use super::{Point, Tree};

/// Trees by falling size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forest {
    trees: Vec<Tree>,
}

impl Forest {
    /// How much larger a tree must be than all that is newer, or it is merged with it. A larger factor merges more
    /// often and leaves fewer trees to search: with 4, the sizes grow at least fourfold from tree to tree, so that a search
    /// of a million points walks at most ten.
    const GROWTH: usize = 4;

    /// One tree of all points.
    pub(crate) fn load(points: Vec<Point>) -> Self {
        Self { trees: if points.is_empty() { Vec::new() } else { vec![Tree::load(points)] } }
    }

    /// The same points and these. A merge keeps only the points that `is_current` holds for.
    pub(crate) fn with(&self, mut points: Vec<Point>, is_current: impl Fn(&Point) -> bool) -> Self {
        if points.is_empty() {
            return self.clone();
        }
        let mut trees = self.trees.clone();
        while let Some(smallest) = trees.pop_if(|tree| tree.len() < Self::GROWTH * points.len()) {
            points.extend(smallest.points().filter(|point| is_current(point)).cloned());
        }
        trees.push(Tree::load(points));
        Self { trees }
    }

    /// All trees merged into one, of only the points that `is_current` holds for.
    pub(crate) fn compacted(&self, is_current: impl Fn(&Point) -> bool) -> Self {
        Self::load(
            self.trees.iter().flat_map(Tree::points).filter(|point| is_current(point)).cloned().collect(),
        )
    }

    /// Points in all trees, replaced versions too.
    pub(crate) fn len(&self) -> usize {
        self.trees.iter().map(Tree::len).sum()
    }

    pub(crate) fn trees(&self) -> &[Tree] {
        &self.trees
    }
}
