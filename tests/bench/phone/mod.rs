//! The phone's targets (`AREA=phone`): inspections accepted, photos, exports, forms, steady load, synchronisation, a hundred officers
//! coming back, papers, and the pages themselves in a throttled Chromium. The program is the real one, the peers are PocketBase and
//! `@tus/server`; both are given their requests by the same client on the same machine, in turns.

mod accept;
pub(crate) mod bureau;
mod come_back;
mod exports;
pub(crate) mod http;
mod load;
mod made;
mod pages;
mod papers;
mod peers;
mod sync;

use crate::table::Table;

/// Parts of the area.
pub(crate) const PARTS: [&str; 8] = ["accept", "photos", "load", "exports", "sync", "back", "papers", "pages"];

/// Measures one part.
pub(crate) async fn measure(part: &str, table: &mut Table) {
    match part {
        "accept" => accept::inspections(table).await,
        "photos" => accept::photos(table).await,
        "load" => load::measure(table).await,
        "exports" => exports::measure(table).await,
        "sync" => sync::measure(table).await,
        "back" => come_back::measure(table).await,
        "papers" => papers::measure(table).await,
        _ => pages::measure(table),
    }
}
