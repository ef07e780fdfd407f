import AFSBase
import AFSClient
import AFSControl
import AFSCredentials
import AFSTypes
import Glibc

/// What commands ask a daemon about tokens.
struct TokenRequests: Sendable {
  let fileSystem: AFSFileSystem
  /// Requests on the fileservers' thread.
  let onTransport: @Sendable (@escaping @Sendable () async -> ControlReply) async -> ControlReply

  /// - Parameter isOwner: the user may speak for the mount's owner: it is him, or root.
  func list(user: uid_t, isOwner: Bool) async -> ControlReply {
    await onTransport { [fileSystem] in
      // Whoever may end the mount sees all of its tokens.
      let held = await fileSystem.tokens(of: isOwner ? nil : Identity(uid: user))
      return .tokens(held.filter { $0.state != .none || $0.trouble != nil }.map(TokenStatus.init))
    }
  }

  func set(cell name: String, payload: SecretBytes, user: uid_t) async -> ControlReply {
    guard let cell = CellName(name) else { return .failed("'\(name)' is not a cell name") }
    let token: Token
    var bytes = payload.withUnsafeBytes { Array($0) }
    defer { ConstantTime.wipe(&bytes) }
    do throws(KeyPayloadError) {
      token = try UserKeyPayload.token(bytes, cell: cell, source: .command)
    } catch {
      return .failed("the token cannot be used: \(error)")
    }
    return await onTransport { [fileSystem] in
      do throws(AFSError) {
        try await fileSystem.take(token, from: Identity(uid: user))
        return .done
      } catch {
        return .failed("cell \(cell): \(error)")
      }
    }
  }

  func remove(cell name: String?, user: uid_t) async -> ControlReply {
    var cell: CellName?
    if let name {
      guard let valid = CellName(name) else { return .failed("'\(name)' is not a cell name") }
      cell = valid
    }
    return await onTransport { [fileSystem, cell] in
      fileSystem.withdrawTokens(of: Identity(uid: user), in: cell)
      return .done
    }
  }
}

extension TokenStatus {
  init(_ token: HeldToken) {
    self.init(
      cell: token.cell.text, state: token.state.rawValue, principal: token.principal, viceID: token.viceID,
      expires: token.expires?.seconds, source: token.source, user: token.identity.uid, trouble: token.trouble)
  }
}
