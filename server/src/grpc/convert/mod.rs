//! Where wire types stop: messages are checked here and become values of the index, and the reverse.

mod field_mask;
mod filter;
mod hours;
mod merchant;
mod page;
mod position;
mod request_id;
mod search;
mod violations;

pub(crate) use self::{
    field_mask::merge,
    filter::{filter_from_wire, view_from_wire},
    merchant::{
        finish, id_from_name, id_from_wire, merchant_from_wire, merchant_to_wire, name_of, restore,
        revision_of, with_visibility,
    },
    page::{MOST_PAGE_BYTES, batch_size, page_size},
    position::{OutputDatum, output_datum_from_wire, position_from_wire},
    request_id::request_key,
    search::{
        Ring, SearchRequest, SearchSettings, area_from_wire, may_see, next_page_token, search_from_wire,
    },
    violations::Check,
};
