import ArgumentParser

/// Words after a command that takes options only: most often the name of a cell.
enum StrayWords {
  static func refuse(_ words: [String]) throws {
    guard let first = words.first else { return }
    throw ValidationError("Unexpected argument '\(first)': a cell is named with '--cell \(first)'")
  }
}
