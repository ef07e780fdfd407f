import AFSTypes

extension Token {
  /// The user's name as the cell's protection service has it: without a realm where that is the cell's own, else in
  /// lower case behind an @; a Kerberos instance behind a dot (OpenAFS src/aklog/aklog.c, auth_to_cell).
  public var protectionName: String? {
    let parts = principal.split(separator: "@", maxSplits: 1).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty else { return nil }
    let name = parts[0].replacing("/", with: ".", maxReplacements: 1)
    let ownRealm = serviceRealm.isEmpty ? cell.text.uppercased() : serviceRealm
    return parts[1] == ownRealm ? name : "\(name)@\(parts[1].lowercased())"
  }
}
