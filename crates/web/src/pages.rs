//! The pages, each in a file of its own: what it shows, its route and rule, and what its forms do.

mod account;
mod asset;
mod organization;
mod organizations;
pub(crate) mod sections;
mod sign_in;
mod sign_out;

use vestibule_layer::Routes;

use crate::web::Web;

pub(crate) use organization::{in_words, pretty};

/// All pages with their rules.
pub fn routes(web: Web) -> Routes {
    declared().with_state(web)
}

fn declared() -> Routes<Web> {
    asset::routes()
        .merge(sign_in::routes())
        .merge(sign_out::routes())
        .merge(organizations::routes())
        .merge(account::routes())
        .merge(organization::routes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_form_is_listed_with_the_status_of_its_success() {
        let (_, table) = declared().into_parts().unwrap();
        let forms = table.routes().filter(|route| route.method != "GET");
        let forms: BTreeSet<_> = forms
            .map(|form| format!("{} {}", form.method, form.template))
            .collect();
        let lines = include_str!("../forms.txt").lines();
        let listed: Vec<_> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.split_once(' ').unwrap())
            .collect();
        for (status, path) in &listed {
            assert!(["200", "303"].contains(status), "{status} {path}");
        }
        let paths: BTreeSet<_> = listed.iter().map(|(_, it)| format!("POST {it}")).collect();
        assert_eq!(paths, forms);
        assert_eq!(paths.len(), listed.len());
    }
}
