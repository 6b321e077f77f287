import sys
from pathlib import Path

# Test folders are no packages under importlib mode; what several test modules share is found by its folder.
sys.path.insert(0, str(Path(__file__).parent))
