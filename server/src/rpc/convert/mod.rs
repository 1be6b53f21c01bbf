//! Where wire types stop: messages are checked here and become values of the index, and the reverse.

mod check;
mod hours;
mod mask;
mod merchant;
mod page;
mod position;
mod search;

pub(crate) use self::{
    mask::merge,
    merchant::{
        id_from_name, id_from_wire, merchant_from_wire, merchant_to_wire, name_of, revision_of, stored_terms,
    },
    page::{page_size, take_page},
    position::position_from_wire,
    search::{search_from_wire, search_to_wire},
};
