import AFSControl
import Glibc

/// Tokens as OpenAFS's `tokens` prints them (src/log/tokens.c), so that scripts which read it read this.
struct TokenText {
  let text: String

  /// - Parameter now: seconds since 1970.
  init(_ tokens: [TokenStatus], now: Int64) {
    var lines = ["", "Tokens held by the Cache Manager:", ""]
    for token in tokens {
      // What was taken away only waits for what is not stored: `afsfuse status` tells of it.
      guard let expires = token.expires, token.state != "withdrawn" else { continue }
      let end = token.state == "refused" ? "[>> Refused by the servers <<]" : Self.end(expires, now: now)
      lines.append(Self.holder(token) + " for \(token.cell) " + end)
    }
    lines.append("   --End of list--")
    text = lines.joined(separator: "\n")
  }

  private static func holder(_ token: TokenStatus) -> String {
    if let id = token.viceID { return "User's (AFS ID \(id)) rxkad tokens" }
    return token.principal.isEmpty ? "rxkad Tokens" : "User \(token.principal)'s rxkad tokens"
  }

  private static func end(_ expires: Int64, now: Int64) -> String {
    expires <= now ? "[>> Expired <<]" : "[Expires \(date(expires))]"
  }

  /// As ctime(3) without weekday, seconds and year: `Nov 25 13:21`.
  static func date(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    localtime_r(&time, &parts)
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ number: Int32, _ pad: String) -> String { number < 10 ? pad + "\(number)" : "\(number)" }
    let month = months.indices.contains(Int(parts.tm_mon)) ? months[Int(parts.tm_mon)] : "???"
    return "\(month) \(two(parts.tm_mday, " ")) \(two(parts.tm_hour, "0")):\(two(parts.tm_min, "0"))"
  }
}
