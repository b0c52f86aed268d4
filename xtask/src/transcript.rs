//! The commands of a Markdown document, and what it says they print.
//!
//! A code block opened by exactly "```sh run" is run. When the next thing in the document is a block opened by "```text", that
//! is its output: `...` alone on a line stands for any lines or none, and within a line for any characters or none.

/// A block to run.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of the document on which its commands begin.
    pub line: usize,
    pub script: String,
    pub expected: Option<String>,
}

/// The blocks of a document, in order.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut lines = markdown.lines().enumerate();
    let mut answers_last = false;
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            answers_last &= line.trim().is_empty();
            continue;
        };
        let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let body = body.join("\n");
        if kind == "sh run" {
            found.push(Block { line: number + 2, script: body, expected: None });
        } else if kind == "text"
            && answers_last
            && let Some(last) = found.last_mut()
        {
            last.expected = Some(body);
        }
        answers_last = kind == "sh run";
    }
    found
}

/// Whether `actual` is what `expected` stands for, spaces around either left out.
pub fn matches(expected: &str, actual: &str) -> bool {
    lines_match(&lines(expected), &lines(actual))
}

fn lines(text: &str) -> Vec<&str> {
    text.trim().lines().map(str::trim_end).collect()
}

fn lines_match(expected: &[&str], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((&"...", rest)) => (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..])),
        Some((first, rest)) => {
            actual.split_first().is_some_and(|(line, others)| line_matches(first, line) && lines_match(rest, others))
        }
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let Some((start, rest)) = expected.split_once("...") else { return expected == actual };
    let Some(mut left) = actual.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split("...").collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
# Title
```sh
not run
```
```sh run
echo one
```

```text
one
```
```sh run
echo two
```
Words between.
```text
not its output
```
";

    #[test]
    fn only_marked_blocks_are_run_and_only_what_follows_is_expected() {
        let one = Block { line: 6, script: "echo one".into(), expected: Some("one".into()) };
        let two = Block { line: 13, script: "echo two".into(), expected: None };
        assert_eq!(blocks(DOCUMENT), [one, two]);
    }

    #[test]
    fn dots_stand_for_lines_and_for_parts_of_a_line() {
        assert!(matches("id: ...\n...\ndone", "id: 17\nmore\nand more\ndone\n"));
        assert!(matches("...\ndone", "done"));
        assert!(matches("{\"sid\":\"...\",\"exp\":...}", "{\"sid\":\"a\",\"exp\":9}"));
        assert!(!matches("id: ...", "id: 17\nmore"));
        assert!(!matches("a...b...c", "a-c"));
        assert!(!matches("one", ""));
    }
}
