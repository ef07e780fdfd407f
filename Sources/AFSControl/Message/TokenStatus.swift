/// What a daemon, or a keyring, holds for a cell: without the secrets.
package struct TokenStatus: Hashable, Sendable {
  package var cell: String
  /// `valid`, `expired`, `refused`, `withdrawn` or `none`.
  package var state: String
  /// Kerberos' name of the user; empty when it is not known.
  package var principal: String
  /// The user's number in the cell; nil when it is not known.
  package var viceID: Int32?
  /// Seconds since 1970; nil without a token.
  package var expires: Int64?
  package var source: String
  /// The local user whose token it is.
  package var user: UInt32
  /// Why there is no better one.
  package var trouble: String?

  package init(
    cell: String, state: String, principal: String, viceID: Int32?, expires: Int64?, source: String, user: UInt32,
    trouble: String?
  ) {
    self.cell = cell
    self.state = state
    self.principal = principal
    self.viceID = viceID
    self.expires = expires
    self.source = source
    self.user = user
    self.trouble = trouble
  }

  package var json: JSONValue {
    .object([
      .init("cell", .string(cell)), .init("state", .string(state)), .init("principal", .string(principal)),
      .init("afsID", viceID.map { JSONValue($0) } ?? .null), .init("expires", expires.map { .integer($0) } ?? .null),
      .init("source", .string(source)), .init("user", JSONValue(user)),
      .init("trouble", trouble.map { .string($0) } ?? .null),
    ])
  }

  /// Missing members are empty.
  package init(_ json: JSONValue) {
    self.init(
      cell: json["cell"]?.string ?? "", state: json["state"]?.string ?? "none",
      principal: json["principal"]?.string ?? "", viceID: json["afsID"]?.integer.map { Int32(clamping: $0) },
      expires: json["expires"]?.integer, source: json["source"]?.string ?? "",
      user: UInt32(clamping: json["user"]?.integer ?? 0), trouble: json["trouble"]?.string)
  }
}
