import AFSBase

/// Requests as lines: JSON, and where a token is handed over a zero byte (which JSON has nowhere) and its payload in
/// hexadecimal. JSON's strings cannot be wiped.
extension ControlRequest {
  private static let separator: UInt8 = 0

  /// With its end. The caller wipes it.
  var line: [UInt8] {
    let text = json.text()
    var line: [UInt8] = []
    // All at once: an array that grows leaves copies behind.
    line.reserveCapacity(text.utf8.count + 2 + 2 * (payload?.count ?? 0))
    line += text.utf8
    if let payload {
      line.append(Self.separator)
      Hexadecimal.append(payload, to: &line)
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  private var payload: SecretBytes? {
    if case .setToken(_, let payload) = self { payload } else { nil }
  }

  /// - Parameter line: without its end.
  /// - Throws: a text for the sender.
  init(line: UnsafeRawBufferPointer) throws(ControlError) {
    let end = line.firstIndex(of: Self.separator)
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: Array(line[..<(end ?? line.endIndex)]))
    } catch {
      throw .refused("the request is malformed")
    }
    var payload: SecretBytes?
    if let end {
      payload = Hexadecimal.secret(UnsafeRawBufferPointer(rebasing: line[(end + 1)...]))
      if payload == nil { throw .refused("the request is malformed") }
    }
    try self.init(json, payload: payload)
  }
}
