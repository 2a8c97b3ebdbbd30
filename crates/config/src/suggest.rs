//! What somebody may have meant.

/// The candidate nearest to `text`, if it is near enough to be what was meant.
pub(super) fn nearest(text: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let most = (text.len() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (distance(text, &candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters have to be put in, taken out or exchanged (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let keys = || ["server.listen", "server.public_url", "log.level"].map(str::to_owned);
        assert_eq!(
            nearest("server.lisen", keys()).as_deref(),
            Some("server.listen")
        );
        assert_eq!(
            nearest("server.public-url", keys()).as_deref(),
            Some("server.public_url")
        );
        assert_eq!(nearest("billing.currency", keys()), None);
    }
}
