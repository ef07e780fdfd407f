import AFSBase
package import AFSCredentials
import AFSTypes
import Logging
package import RxCore
import RxSecurity
import RxTransport

/// Which security an identity's calls have: looked up before each call, asked for when it must be.
extension ClientContext {
  /// How long a look at the keyring and the Kerberos tickets holds: it costs some system calls. Without a token a look
  /// must see what the command just before this call has brought.
  private static func lookValidity(_ held: HeldCredentials) -> Duration {
    if case .token = held.holding { return .milliseconds(20) }
    return .milliseconds(1)
  }

  /// On a private mount all requests are its owner's.
  func holder(of identity: Identity) -> Identity {
    configuration.isShared ? identity : Identity(uid: configuration.ownerUID)
  }

  private func key(_ identity: Identity, _ cell: Cell) -> CredentialTable.Key {
    CredentialTable.Key(identity: holder(of: identity), cell: cell.number)
  }

  /// The keyring and the tickets of the daemon's session are its user's only.
  private func provider(for key: CredentialTable.Key) -> (any TokenProvider)? {
    key.identity.uid == configuration.ownerUID ? credentials.provider : nil
  }

  // MARK: Looking

  /// Without a question to anybody; nil when there must be one first.
  package func knownSecurity(for identity: Identity, in cell: Cell) -> CallSecurity? {
    if credentials.isIdle { return .anonymous }
    let key = key(identity, cell)
    let now = now
    if let entry = credentials.entry(key), let checked = entry.checkedAt,
      now - checked < Self.lookValidity(entry.held)
    {
      // An end comes at its second, not when somebody looks.
      if case .token(let token) = entry.held.holding, token.isExpired(at: timer.wallTime) { return nil }
      return CallSecurity(entry)
    }
    let stamp = provider(for: key)?.stamp(for: cell.name)
    let (known, asks) = credentials.change(key) { entry -> (CallSecurity?, Bool) in
      guard entry.held.token == nil || !entry.held.token!.isExpired(at: timer.wallTime) || entry.reference == .none
      else { return (nil, false) }
      let look = entry.held.look(stamp: stamp, now: timer.wallTime)
      guard !look.isUrgent else { return (nil, false) }
      entry.checkedAt = now
      return (CallSecurity(entry), look.asks)
    }
    if asks { _ = question(key, cell) }
    if known != nil { tellAnonymity(key, cell) }
    return known
  }

  /// The reference under which an identity's rights are known.
  package func security(for identity: Identity, in cell: Cell) -> RxClientSecurityReference {
    if credentials.isIdle { return .none }
    return credentials.entry(key(identity, cell))?.reference ?? .none
  }

  /// What an identity is told that may not do something.
  package func refusal(of identity: Identity, in cell: Cell) -> AFSError {
    if credentials.isIdle { return .accessDenied }
    return credentials.entry(key(identity, cell)).map { CallSecurity($0).refusal } ?? .accessDenied
  }

  // MARK: Asking

  /// How long a call waits for the answer to a question. Who has never had a token may have to wait for the first one; who
  /// has had one is told within a second that it serves no more.
  private static func patience(_ held: HeldCredentials) -> Duration {
    held.token == nil ? .seconds(5) : .milliseconds(700)
  }

  /// Finds out what security calls have now. When that takes long the question goes on, and its answer serves later calls.
  package func currentSecurity(for identity: Identity, in cell: Cell) async throws(AFSError) -> CallSecurity {
    let key = key(identity, cell)
    // The first question may be one that others had asked before what this caller knows had changed.
    for _ in 0..<2 {
      if let known = knownSecurity(for: identity, in: cell) { return known }
      let question = question(key, cell)
      let deadline = question.startedAt + credentials.change(key) { Self.patience($0.held) }
      await question.done.wait { [timer] in try? await timer.sleep(until: deadline) }
      if Task.isCancelled { throw .interrupted }
      if now >= deadline { break }
    }
    dropLapsed(key, cell)
    return settled(key)
  }

  /// What was known under a token that serves no more is not used any longer.
  private func dropLapsed(_ key: CredentialTable.Key, _ cell: Cell) {
    guard let entry = credentials.entry(key), case .lapsed = entry.held.holding, entry.reference != .none else {
      return
    }
    changed(key, cell)
  }

  /// The question that is under way; begins one if there is none.
  private func question(_ key: CredentialTable.Key, _ cell: Cell) -> CredentialTable.Question {
    let now = now
    let (question, isNew) = credentials.change(key) { entry in
      if let question = entry.question { return (question, false) }
      let question = CredentialTable.Question(startedAt: now)
      entry.question = question
      return (question, true)
    }
    if isNew {
      credentials.spawn { [self] in
        let lock = credentials.change(key) { $0.lock }
        if await lock.acquire() {
          _ = await ask(key, cell, insteadOfRefused: false)
          lock.release()
        }
        credentials.change(key) { $0.question = nil }
        question.done.complete()
      }
    }
    return question
  }

  /// Asks the provider. The caller holds the entry's lock.
  private func ask(_ key: CredentialTable.Key, _ cell: Cell, insteadOfRefused: Bool) async -> CallSecurity {
    let provider = provider(for: key)
    let stamp = provider?.stamp(for: cell.name)
    let (asks, lapsed, last) = credentials.change(key) { entry in
      let last = entry.held.token
      let look = entry.held.look(stamp: stamp, now: timer.wallTime)
      return (look.asks, look.hasLapsed, last)
    }
    guard let provider, let stamp, asks || insteadOfRefused else {
      dropLapsed(key, cell)
      return settled(key)
    }
    // What serves no more is not asked for again.
    let isOver = lapsed || insteadOfRefused
    let answer = await provider.token(for: cell.name, insteadOf: isOver ? last : nil)
    if insteadOfRefused {
      guard case .token(let other) = answer, other.ticket != last?.ticket else { return settled(key) }
    }
    let outcome = credentials.change(key) { entry in
      entry.held.answered(answer, stamp: stamp, now: timer.wallTime, isRefused: insteadOfRefused)
    }
    if outcome == .unchanged { dropLapsed(key, cell) } else { apply(outcome, key, cell) }
    tellAnonymity(key, cell)
    return settled(key)
  }

  /// Whoever has no token is told so once, in a cell that he uses.
  private func tellAnonymity(_ key: CredentialTable.Key, _ cell: Cell) {
    let trouble = credentials.change(key) { entry -> String? in
      guard entry.held.holding == .none, !entry.isAnonymityTold else { return nil }
      entry.isAnonymityTold = true
      return entry.held.trouble.map { " (\($0))" } ?? ""
    }
    guard let trouble else { return }
    // On a shared mount that is what most users are.
    let user = configuration.isShared ? "user \(key.identity.uid): " : ""
    log.log(
      level: configuration.isShared ? .info : .notice,
      "\(user)no token for cell \(cell.name)\(trouble): access is anonymous")
  }

  private func settled(_ key: CredentialTable.Key) -> CallSecurity {
    let now = now
    return credentials.change(key) { entry in
      entry.checkedAt = now
      return CallSecurity(entry)
    }
  }

  // MARK: What a change brings

  private func apply(_ outcome: HeldCredentials.OnAnswer, _ key: CredentialTable.Key, _ cell: Cell) {
    switch outcome {
    case .unchanged: break
    case .renewed(let token): renewed(token, key, cell)
    case .changed: changed(key, cell)
    }
  }

  /// The same user's next token goes by the same name: what is known of his rights stays.
  private func renewed(_ token: Token, _ key: CredentialTable.Key, _ cell: Cell) {
    guard let reference = credentials.entry(key)?.reference, reference != .none, let security = made(of: token)
    else { return changed(key, cell) }
    credentials.registry?.replace(reference, with: security)
    let seconds = token.expires.seconds - timer.wallTime.seconds
    log.info("token for \(cell.name) renewed: \(token.principal), ends in \(seconds) s")
  }

  /// A new name, under which nothing is known; the kernel must ask again for all that it has of the cell.
  private func changed(_ key: CredentialTable.Key, _ cell: Cell) {
    let holding = credentials.entry(key)?.held.holding
    var reference = RxClientSecurityReference.none
    if case .token(let token)? = holding, let security = made(of: token), let registry = credentials.registry {
      reference = registry.register(security)
    }
    let old = credentials.change(key) { entry in
      defer { entry.reference = reference }
      entry.isHeldBackTold = false
      // `logChange` says so.
      entry.isAnonymityTold = true
      return entry.reference
    }
    if old != .none { credentials.registry?.unregister(old) }
    logChange(key, cell)
    for vnode in vnodes.vnodes(where: { $0.volume.cell === cell }) { invalidations.vnodeChanged(vnode, dataToo: false) }
    if reference != .none { tokenArrived(in: cell) }
  }

  private func made(of token: Token) -> (any RxClientSecurity)? {
    let credential = RxkadCredential(
      keyVersion: token.keyVersion, sessionKey: token.sessionKey, ticket: token.ticket, expires: token.expires)
    do {
      return try RxkadClientSecurity(credential, level: credentials.level, clock: { [timer] in timer.wallTime })
    } catch {
      log.error("the token for \(token.cell) (\(token.source)) cannot be used: \(error.reason)")
      return nil
    }
  }

  private func logChange(_ key: CredentialTable.Key, _ cell: Cell) {
    guard let held = credentials.entry(key)?.held else { return }
    let user = configuration.isShared ? "user \(key.identity.uid): " : ""
    switch held.holding {
    case .unknown: break
    case .none: log.notice("\(user)no token for cell \(cell.name): access is anonymous")
    case .token(let token):
      log.notice(
        "\(user)token for cell \(cell.name): \(token.principal.isEmpty ? "?" : token.principal), \(token.source)")
    case .lapsed(_, .expired):
      log.warning("\(user)the token for cell \(cell.name) has expired: run kinit, or afsfuse aklog")
    case .lapsed(_, .refused):
      log.warning("\(user)the servers of cell \(cell.name) refuse the token: run kinit, or afsfuse aklog")
    case .lapsed(_, .withdrawn):
      log.notice("\(user)the token for cell \(cell.name) was taken away; what is not stored waits for the next one")
    }
  }

  /// A store waits for a token: said once for each token that has ended.
  func noteHeldBack(of identity: Identity, in cell: Cell) {
    let isFirst = credentials.change(key(identity, cell)) { entry in
      defer { entry.isHeldBackTold = true }
      return !entry.isHeldBackTold
    }
    guard isFirst else { return }
    let user = configuration.isShared ? "user \(holder(of: identity).uid): " : ""
    log.warning(
      "\(user)changes in cell \(cell.name) are kept, and stored with the next token: run kinit, or afsfuse aklog")
  }

  // MARK: What servers refuse

  /// A server did not take the token that a call was made with: asks for another one.
  /// - Returns: the security to try with, once; nil when there is none in time.
  func securityInstead(
    of refused: RxClientSecurityReference, _ error: RxCallError, for identity: Identity, in cell: Cell
  ) async throws(AFSError) -> RxClientSecurityReference? {
    let key = key(identity, cell)
    let isExpired = error == .aborted(.rxkadExpired) || error == .aborted(.viceTokenDead)
    let found = Monitor<RxClientSecurityReference?>(nil)
    let done = Completion()
    credentials.spawn { [self] in
      let lock = credentials.change(key) { $0.lock }
      if await lock.acquire() {
        let other = await replacement(of: refused, error, key, cell)
        found.change { $0 = other }
        if other == nil { drop(refused, isExpired: isExpired, key, cell) }
        lock.release()
      }
      done.complete()
    }
    let deadline = now + credentials.change(key) { Self.patience($0.held) }
    await done.wait { [timer] in try? await timer.sleep(until: deadline) }
    if Task.isCancelled { throw .interrupted }
    if now >= deadline { drop(refused, isExpired: isExpired, key, cell) }
    return found.withLock { $0 }
  }

  /// The caller holds the entry's lock.
  private func replacement(
    of refused: RxClientSecurityReference, _ error: RxCallError, _ key: CredentialTable.Key, _ cell: Cell
  ) async -> RxClientSecurityReference? {
    guard let entry = credentials.entry(key), let token = entry.held.token else { return nil }
    // Somebody else has found out while this operation waited.
    if entry.reference != refused { return entry.reference == .none ? nil : entry.reference }
    log.notice("cell \(cell.name): a server refuses the token of \(token.principal): \(error)")
    let asked = await ask(key, cell, insteadOfRefused: true)
    guard let now = credentials.entry(key)?.held.token, now.ticket != token.ticket else { return nil }
    return asked.reference == .none ? nil : asked.reference
  }

  /// The token under which calls were refused serves no more.
  private func drop(
    _ refused: RxClientSecurityReference, isExpired: Bool, _ key: CredentialTable.Key, _ cell: Cell
  ) {
    guard let entry = credentials.entry(key), let token = entry.held.token, entry.reference == refused else { return }
    // Our own side refuses to begin calls with an ended token, too.
    let isOver = isExpired || token.isExpired(at: timer.wallTime)
    apply(credentials.change(key) { $0.held.refused(token, expired: isOver) }, key, cell)
  }

  // MARK: Commands

  /// A user hands over a token. One that the provider has as well is the provider's.
  package func take(_ token: Token, from identity: Identity, in cell: Cell) async throws(AFSError) {
    let key = key(identity, cell)
    let lock = credentials.change(key) { $0.lock }
    try await lock.lock()
    defer { lock.release() }
    if let provider = provider(for: key) {
      let stamp = provider.stamp(for: cell.name)
      if case .token(let own) = await provider.token(for: cell.name, insteadOf: nil), own.ticket == token.ticket {
        let outcome = credentials.change(key) { $0.held.answered(.token(own), stamp: stamp, now: timer.wallTime) }
        return apply(outcome, key, cell)
      }
    }
    apply(credentials.change(key) { $0.held.given(token, now: timer.wallTime) }, key, cell)
  }

  /// A user takes his tokens away: of one cell, or of all.
  package func withdrawTokens(of identity: Identity, in cell: Cell) {
    let key = key(identity, cell)
    let provider = provider(for: key)
    provider?.withdraw(cell.name)
    let stamp = provider?.stamp(for: cell.name)
    let hasUnstored = hasUnstoredFiles(in: cell)
    apply(credentials.change(key) { $0.held.withdrawn(hasUnstored: hasUnstored, stamp: stamp) }, key, cell)
  }

  /// Whether a file of the cell has changes that are not stored.
  private func hasUnstoredFiles(in cell: Cell) -> Bool {
    !vnodes.vnodes { vnode in
      vnode.volume.cell === cell && vnode.withState { $0.contents?.localChange } != nil
    }.isEmpty
  }

  /// Cells in which changes wait for their user's next token.
  package var cellsAwaitingTokens: [String] {
    let lapsed = credentials.all.filter { if case .lapsed = $0.entry.held.holding { true } else { false } }
    return Set(lapsed.map(\.key.cell)).compactMap { cells.cell(number: $0) }.filter(hasUnstoredFiles)
      .map(\.name.text).sorted()
  }

  // MARK: Watching

  /// Looks at every entry: tokens end, are renewed and taken away when nobody asks, too, and the kernel must not answer
  /// from what it remembers then.
  func watchCredentials() async {
    for (key, entry) in credentials.all {
      guard !isShutDown, let cell = cells.cell(number: key.cell) else { continue }
      if case .lapsed(_, .withdrawn) = entry.held.holding, !hasUnstoredFiles(in: cell) {
        credentials.change(key) { $0.held.nothingUnstored() }
      }
      _ = try? await currentSecurity(for: key.identity, in: cell)
    }
  }
}

extension CallSecurity {
  init(_ entry: CredentialTable.Entry) {
    guard case .lapsed(_, let lapse) = entry.held.holding else {
      self.init(reference: entry.reference, lapse: nil)
      return
    }
    self.init(reference: .none, lapse: lapse)
  }
}

extension RxCallError {
  /// The peer, or our own side, did not take the token.
  var isTokenTrouble: Bool {
    switch self {
    case .aborted(let code):
      code == .viceTokenDead
        || AbortCode.rxkadInconsistency.rawValue...AbortCode.rxkadIllegalLevel.rawValue ~= code.rawValue
    case .security: true
    default: false
    }
  }
}
