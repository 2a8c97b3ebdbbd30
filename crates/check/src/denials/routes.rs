//! The names of all routes of a process, each a number, so that a request that passes carries its
//! route's name without counting references to it.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

/// The name of a route: its method and its template, as a number within one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RouteName(u32);

/// The names of every route that an entry point of this process ever had. There is no removal: the
/// same names come back with each replacement of the rules, and only operators choose them.
#[derive(Debug, Default)]
pub(super) struct RouteNames {
    names: Vec<(&'static str, Arc<str>)>,
    numbers: HashMap<(&'static str, Arc<str>), RouteName>,
}

impl RouteNames {
    /// Returns the name of a route, the same one each time.
    pub(super) fn intern(&mut self, method: &str, template: &str) -> RouteName {
        let method = Method::from_bytes(method.as_bytes());
        let method = method.as_ref().map_or("OTHER", method_name);
        let name = (method, Arc::from(template));
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = RouteName(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    /// Returns the method and the template of a route.
    pub(super) fn get(&self, name: RouteName) -> Option<(&'static str, Arc<str>)> {
        self.names.get(usize::try_from(name.0).ok()?).cloned()
    }
}

/// Returns the method as a static name. Methods that a stranger invents are not kept.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_the_same_name_in_every_table_and_another_method_another_name() {
        let mut names = RouteNames::default();
        let get = names.intern("GET", "/v1/things");
        assert_ne!(names.intern("POST", "/v1/things"), get);
        assert_eq!(names.intern("GET", "/v1/things"), get);
        assert_eq!(names.get(get), Some(("GET", "/v1/things".into())));
    }
}
