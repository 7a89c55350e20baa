"""Runs first in each packaged program: one that is started to own a window must not run the user's script."""

import os

if os.environ.get("JSMEETS_LOCAL_WINDOW_CHILD"):
    from jsmeets_local.launch.window.child import main

    main()  # does not return
