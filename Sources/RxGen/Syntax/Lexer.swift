/// Cuts an interface file into tokens.
///
/// `//` and `/* */` are comments; `///` lines document the declaration below them and reach the generated code.
struct Lexer {
  private let file: String
  private let text: [Character]
  private var position = 0
  private var line = 1
  private var documentation: [String] = []

  init(file: String, text: String) {
    self.file = file
    self.text = Array(text)
  }

  /// All tokens, the last being `endOfFile`.
  static func tokens(file: String, text: String) throws(RxGenError) -> [Token] {
    var lexer = Lexer(file: file, text: text)
    var tokens: [Token] = []
    while true {
      let token = try lexer.next()
      tokens.append(token)
      if token.kind == .endOfFile { return tokens }
    }
  }

  private mutating func next() throws(RxGenError) -> Token {
    try skipBlanksAndComments()
    var token = Token(kind: .endOfFile, line: line, documentation: documentation)
    documentation = []
    guard let character = peek() else { return token }
    if character.isLetter || character == "_" {
      token.kind = .identifier(take { $0.isLetter || $0.isNumber || $0 == "_" })
    } else if character.isNumber || character == "-" {
      token.kind = .number(try number())
    } else if character == "\"" {
      token.kind = .string(try string())
    } else if "{}()[]<>=;,".contains(character) {
      position += 1
      token.kind = .punctuation(character)
    } else {
      throw error("unexpected character '\(character)'")
    }
    return token
  }

  private mutating func skipBlanksAndComments() throws(RxGenError) {
    while let character = peek() {
      if character.isNewline {
        line += 1
        position += 1
      } else if character.isWhitespace {
        position += 1
      } else if character == "/", peek(1) == "/" {
        let comment = take { !$0.isNewline }
        if comment.hasPrefix("///") {
          documentation.append(String(comment.dropFirst(3).drop { $0 == " " }))
        } else {
          documentation = []
        }
      } else if character == "/", peek(1) == "*" {
        try skipBlockComment()
      } else {
        return
      }
    }
  }

  private mutating func skipBlockComment() throws(RxGenError) {
    let start = line
    position += 2
    while let character = peek() {
      if character == "*", peek(1) == "/" {
        position += 2
        return
      }
      if character.isNewline { line += 1 }
      position += 1
    }
    throw RxGenError(file: file, line: start, message: "comment without an end")
  }

  private mutating func number() throws(RxGenError) -> Int64 {
    let digits = take { $0.isLetter || $0.isNumber || $0 == "-" }
    let value = digits.hasPrefix("0x") ? Int64(digits.dropFirst(2), radix: 16) : Int64(digits)
    guard let value else { throw error("'\(digits)' is no number") }
    return value
  }

  private mutating func string() throws(RxGenError) -> String {
    position += 1
    let value = take { $0 != "\"" && !$0.isNewline }
    guard peek() == "\"" else { throw error("string without an end") }
    position += 1
    return value
  }

  private func peek(_ distance: Int = 0) -> Character? {
    position + distance < text.count ? text[position + distance] : nil
  }

  private mutating func take(while condition: (Character) -> Bool) -> String {
    let start = position
    while let character = peek(), condition(character) { position += 1 }
    return String(text[start..<position])
  }

  private func error(_ message: String) -> RxGenError {
    RxGenError(file: file, line: line, message: message)
  }
}
